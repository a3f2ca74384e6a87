// Runs that are wanted again and again: one at a time, and no more than are wanted.

export class Runs {
  /** run: -> a promise; failed(error) is told of one that rejects; rest() is called when no more is wanted. */
  constructor(run, failed, rest) {
    Object.assign(this, { run, failed, rest, isBusy: false, isWanted: false });
  }

  /** Ask for a run that begins from now on: one that is under way may not know of what has changed. */
  want() {
    this.isWanted = true;
    if (!this.isBusy) this.go();
  }

  async go() {
    this.isBusy = true;
    while (this.isWanted) {
      await new Promise(requestAnimationFrame);
      this.isWanted = false;
      await this.run().catch(this.failed); // what is wanted meanwhile is run all the same
    }
    this.isBusy = false;
    this.rest();
  }
}
