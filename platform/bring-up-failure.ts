/** An expected failure of the bring-up: the message is one sentence for the person at the terminal, never a stack trace. */
export class BringUpFailure extends Error {
  /** Last lines of the log that explains it. */
  readonly logTail: readonly string[];

  constructor(message: string, logTail: readonly string[] = []) {
    super(message);
    this.name = 'BringUpFailure';
    this.logTail = logTail;
  }
}
