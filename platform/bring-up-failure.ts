/** An expected failure of the bring-up: the message is one sentence for the person at the terminal, never a stack trace. */
export class BringUpFailure extends Error {
  /** Last lines of the log that explains it. */
  readonly logTail: readonly string[];

  constructor(message: string, logTail: readonly string[] = []) {
    // Whoever prints errors with their causes, a test run say, shows the log that is soon removed with its home.
    super(message, logTail.length === 0 ? {} : { cause: new Error(logTail.join('\n')) });
    this.name = 'BringUpFailure';
    this.logTail = logTail;
  }
}
