/** Changes of workflows that runs in progress must not notice: each id, since when, and when its branch may go. */

/** 2026-11-28. Goes when no withdrawal is open that was requested before it. */
export const riskAskedAgain = 'withdrawal-risk-asked-again';

/** 2026-11-29. Goes when no round waits for a person that was handed to one before it. */
export const roundLookedAtAgain = 'round-looked-at-again';

/** 2026-11-29. Goes when no withdrawal is open that was requested before it. */
export const withdrawalScreened = 'withdrawal-screened';
