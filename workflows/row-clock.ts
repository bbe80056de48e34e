/** The clock of a row whose deadlines the database judges: it asks what is due, sleeps as long as it is told, and asks again. */
import { condition, upsertSearchAttributes } from '@temporalio/workflow';
import type { RowClock } from '#activities/responsible-gambling/limit-change-activities.ts';
import { insist } from './insist.ts';
import { stageKey } from './search-attributes.ts';

/** Long sleeps are cut, so that a row that moved without a poke is met within a month. */
const sleepMsMax = 30 * 86_400_000;

/** Set by a signal; cleared when the row is asked. */
export type Poke = { waiting: boolean };

/** Runs until the row says that it is over; answers with its last state. A database that is away is waited for. */
export async function followRow(advance: () => Promise<RowClock>, poke: Poke): Promise<string> {
  let shown: string | undefined;
  for (;;) {
    poke.waiting = false;
    const clock = await insist(advance);
    if (clock.state !== shown) upsertSearchAttributes([{ key: stageKey, value: clock.state }]);
    shown = clock.state;
    if (clock.over) return clock.state;
    const isPoked = () => poke.waiting;
    if (clock.remainingMs === null) await condition(isPoked);
    else await condition(isPoked, Math.min(Math.max(clock.remainingMs, 1), sleepMsMax));
  }
}
