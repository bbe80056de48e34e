/** Which secrets production refuses: sample values, short or repetitive ones, and one value used twice. */

export interface NamedSecret {
  /** How the sentence names it: a variable, or a description with a capital. */
  readonly name: string;
  readonly value: string;
}

const lengthMin = 16;
const distinctCharactersMin = 8;
const sampleWords =
  /pass(word)?\b|change-?_?me|secret$|^secret|sample|example|default|sandbox|development|\bdev[-_]|^pitboss|_test_|123456789/i;

export function secretProblems(secrets: readonly NamedSecret[]): string[] {
  const problems: string[] = [];
  const seen = new Map<string, string>();
  for (const { name, value } of secrets) {
    const problem = weakness(value);
    if (problem !== undefined) problems.push(`${name} ${problem}.`);
    const twin = seen.get(value);
    if (twin !== undefined && value !== '')
      problems.push(`${name} has the same value as ${lowerFirstWord(twin)}.`);
    seen.set(value, name);
  }
  return problems;
}

function weakness(value: string): string | undefined {
  if (value === '') return 'is missing';
  if (sampleWords.test(value)) return 'looks like a sample value';
  if (value.length < lengthMin) return `is shorter than ${lengthMin} characters`;
  if (new Set(value).size < distinctCharactersMin) return 'repeats too few characters to be random';
  return undefined;
}

function lowerFirstWord(name: string): string {
  return name.startsWith('The ') ? `the ${name.slice(4)}` : name;
}
