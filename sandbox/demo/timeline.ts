/** Prints what happens as a timeline, with the id under which operations find it in the Temporal UI. */

const startedAt = performance.now();
let failures = 0;

const elapsed = (): string => `${((performance.now() - startedAt) / 1_000).toFixed(1).padStart(6)} s`;

export const chapter = (title: string): void => console.log(`\n${title}`);

export function tell(what: string, workflowId?: string): void {
  console.log(`${elapsed()}  ${what}${workflowId ? `  [${workflowId}]` : ''}`);
}

/** States an invariant; a broken one makes the demo exit non-zero after it has told the rest. */
export function hold(invariant: string, holds: boolean, seen: unknown = ''): void {
  if (!holds) failures += 1;
  console.log(
    `${elapsed()}  ${holds ? 'holds' : 'BROKEN'}: ${invariant}${holds ? '' : ` – seen: ${JSON.stringify(seen)}`}`,
  );
}

export const brokenInvariants = (): number => failures;
