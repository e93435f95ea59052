// Drives the console in a browser:
//
//     node run.mjs PART '{"admin": URL, "gateway": URL, "chromium": PATH, "modules": FOLDER, "shots": FOLDER}'
//
// PART is `scene`, which makes something to look at, or one of PARTS. The last line that it prints is a JSON document: what
// is wrong (`findings`), what was done, and the screenshots. `console` is where the browser goes, when that is not `admin`;
// `only` is the beginning of the paths that the tour looks at closely.

import { actions } from './actions.mjs';
import { Api } from './api.mjs';
import { browser } from './browser.mjs';
import { faulty } from './faulty.mjs';
import { keyboard } from './keyboard.mjs';
import { live } from './live.mjs';
import { login } from './login.mjs';
import { outage } from './outage.mjs';
import { Report } from './report.mjs';
import { murmur, scene } from './scene.mjs';
import { tour } from './tour.mjs';

const PARTS = {
  actions: (browser) => actions(browser, { script: true }),
  plain: (browser) => actions(browser, { script: false }),
  faulty,
  keyboard,
  live,
  login,
  outage,
  tour: async (browser) => {
    const stop = murmur(browser.api);
    await tour(browser, browser.options.only);
    await stop();
  },
};

const [part, given] = process.argv.slice(2);
const options = JSON.parse(given);
options.console ??= options.admin;
const report = new Report();
const api = new Api(options);
if (part === 'scene') {
  await report.part('scene', () => scene(api, report));
} else {
  const started = await browser(options, report);
  started.api = api;
  try {
    await report.part(part, () => PARTS[part](started));
  } finally {
    await started.close();
  }
}
console.log(JSON.stringify(report));
process.exit(0);
