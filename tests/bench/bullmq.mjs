// Round trips through BullMQ: 64 loops in one process, each adds a job, leases one and completes it.
//
//   node bullmq.mjs FOLDER PORT WORKERS
//
// FOLDER is where npm installed it, PORT is where Redis listens. Each line of input is a number of milliseconds to run for;
// each is answered with a line: {"done", "errors", "error", "ms", "latencies" (µs)}.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const [folder, port, workers] = process.argv.slice(2);
const { Queue, Worker } = createRequire(`${folder}/node_modules/`)('bullmq');
const connection = { host: '127.0.0.1', port: Number(port), maxRetriesPerRequest: null };
const data = { text: 'x'.repeat(256 - '{"text":""}'.length) };
const queue = new Queue('bench', { connection });
// Without a function it leases only when it is asked to.
const leaser = new Worker('bench', null, { connection, autorun: false });
await Promise.all([queue.waitUntilReady(), leaser.waitUntilReady()]);

async function roundTrip(token) {
  await queue.add('bench', data, { removeOnComplete: true });
  const job = await leaser.getNextJob(token, { block: false });
  if (!job) throw new Error('no job was there to lease');
  await job.moveToCompleted(null, token, false);
}

async function run(ms) {
  const latencies = [];
  let errors = 0;
  let error = null;
  const begin = performance.now();
  const loop = async (token) => {
    while (performance.now() - begin < ms) {
      const sent = performance.now();
      try {
        await roundTrip(token);
      } catch (cause) {
        errors += 1;
        error = String(cause);
        return;
      }
      latencies.push(Math.round((performance.now() - sent) * 1000));
    }
  };
  await Promise.all(Array.from({ length: Number(workers) }, (_, n) => loop(`worker-${n}`)));
  return { done: latencies.length, errors, error, ms: performance.now() - begin, latencies };
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await run(Number(line))));
}
process.exit(0);
