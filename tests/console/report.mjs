// What a run has found wrong, and what it has looked at.

export class Report {
  /** What is wrong: where, what kind, and the text. */
  findings = [];
  /** What was looked at or done, a line each. */
  done = [];
  /** The screenshots that were taken. */
  shots = [];

  /** Notes something wrong; the same thing at the same place once. */
  wrong(where, kind, text) {
    const finding = { where, kind, text: String(text).slice(0, 2_000) };
    if (!this.findings.some((other) => JSON.stringify(other) === JSON.stringify(finding))) this.findings.push(finding);
  }

  /** Notes what was done. */
  did(what) {
    this.done.push(what);
  }

  /** Runs a part of the work; what it throws is a finding, and the others go on. */
  async part(where, work) {
    const before = this.findings.length;
    try {
      await work();
    } catch (error) {
      this.wrong(where, 'failed', error.stack ?? error);
    }
    if (this.findings.length === before) this.did(where);
  }
}
