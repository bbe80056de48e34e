/** A file of its own, because the card vault's image has this folder and none of what the platform's configuration needs. */

/** The environment is not fit to start with; `problems` holds one sentence for each reason. */
export class ConfigFailure extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'ConfigFailure';
    this.problems = problems;
  }
}
