/** What the `freeRounds` workflow does: issue at the provider, take back, and note the end of the validity. */
import { sql } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { ActivityDeps } from '#activities/deps.ts';
import { closeWorkItems, openWorkItem } from '#activities/payments/commands/work-items.ts';
import type { RowClock } from '#activities/row-clock.ts';
import type { Trx } from '#db/connect.ts';
import { fail, FailureError, type Failure, type Result } from '#domain/failures.ts';
import { betValueText } from '#domain/games/free-rounds.ts';
import { mayReceive } from './commands/free-rounds.ts';
import { isBarred } from './commands/take-back-free-rounds.ts';
import { readPlayerCard } from './player-card.ts';
import type { FreeRoundsOrder, GameProvider, Prepaid } from './providers.ts';

type Deps = Pick<ActivityDeps, 'db' | 'keyRing' | 'gameProviders'>;

export const createFreeRoundsActivities = (deps: Deps) => ({
  /** Does what the row's state asks for and says when to ask again. A provider that is away is asked again. */
  advanceFreeRounds: (input: { freeRoundsId: string }): Promise<RowClock> =>
    advance(deps, input.freeRoundsId),
});

type Issue = Awaited<ReturnType<typeof readIssue>>;

async function advance(deps: Deps, id: string): Promise<RowClock> {
  const row = await readIssue(deps.db, id);
  const isOver = row.remainingMs <= 0;
  if (row.state === 'requested') {
    if (isOver) await move(deps.db, row, 'refused', 'Their validity ended before they could be issued.');
    else await issue(deps, row);
  } else if (row.state === 'cancelling') await cancel(deps, row);
  else if (row.state === 'issued' && isOver) await move(deps.db, row, 'ended', null);
  const now = await readIssue(deps.db, id);
  // What was asked of the row while the provider was being asked is done at once.
  if (now.state === 'cancelling' && row.state !== 'cancelling') return advance(deps, id);
  const waits = now.state === 'issued';
  return { state: now.state, over: !waits, remainingMs: waits ? Math.max(now.remainingMs, 0) : null };
}

async function readIssue(db: Deps['db'], id: string) {
  const row = await db
    .selectFrom('games.freeRoundIssue as f')
    .innerJoin('games.integration as i', 'i.id', 'f.integration')
    .selectAll('f')
    .select([
      'i.sharesPersonalData',
      sql<string>`ceil(extract(epoch from f.valid_until - now()) * 1000)`.as('remainingMs'),
    ])
    .where('f.id', '=', id)
    .executeTakeFirst();
  if (!row) throw new FailureError(fail('not-found', 'There are no such free rounds.').failure);
  return { ...row, brand: row.brand ?? '', remainingMs: Number(row.remainingMs) };
}

async function issue(deps: Deps, row: Issue): Promise<void> {
  const provider = await deps.gameProviders.get(row.integration);
  if (!provider?.issueFreeRounds)
    return move(
      deps.db,
      row,
      'refused',
      'The provider issues no free rounds, or there is no key to ask with.',
    );
  const allowed = await mayReceive(deps.db, row);
  if (!allowed.ok) return withdraw(deps, row, provider, allowed.failure);
  const order = await orderOf(deps, row);
  const prepaid = await prepaidFor(deps.db, provider, row, order);
  if (!prepaid.ok) return refuse(deps.db, row, prepaid.failure);
  const issued = await provider.issueFreeRounds({ ...order, prepaid: prepaid.value });
  if (!issued.ok) return refuse(deps.db, row, issued.failure);
  await move(deps.db, row, 'issued', null);
}

/** The player may not play any more. An earlier try may have reached the provider, whose answer was lost: taken back, too. */
async function withdraw({ db }: Deps, row: Issue, provider: GameProvider, failure: Failure): Promise<void> {
  const cancelled = await provider.cancelFreeRounds?.({ issueId: row.issueId, games: gamesOf(row) });
  if (cancelled?.ok === false && cancelled.failure.code === 'dependency-unavailable')
    throw new FailureError(cancelled.failure);
  await move(db, row, 'refused', failure.detail);
}

const gamesOf = (row: Issue): readonly string[] =>
  row.gameCodes.length > 0 ? row.gameCodes : [row.gameCode];

async function orderOf(deps: Deps, row: Issue): Promise<FreeRoundsOrder> {
  const { playerId, asset, validUntil } = row;
  const card = await readPlayerCard(deps, { playerId, asset, shared: row.sharesPersonalData });
  if (!card.ok) throw new FailureError(card.failure);
  return {
    issueId: row.issueId,
    player: card.value,
    games: gamesOf(row),
    count: row.roundCount ?? 1,
    betValue: row.betValue === null ? null : betValueText(BigInt(row.betValue), asset),
    validUntil: (validUntil ?? new Date(0)).toISOString(),
    prepaidId: row.prepaidId,
    prepaid: null,
    campaignId: row.campaignId,
  };
}

/** Kept before it is used: a repeat after a lost answer must not be refused because the offer has been used up by it. */
async function prepaidFor(
  db: Deps['db'],
  provider: GameProvider,
  row: Issue,
  order: FreeRoundsOrder,
): Promise<Result<Prepaid | null>> {
  if (row.prepaid !== null) return { ok: true, value: row.prepaid as Prepaid };
  if (!provider.choosePrepaid) return { ok: true, value: null };
  const chosen = await provider.choosePrepaid(order);
  if (!chosen.ok) return chosen;
  await db
    .updateTable('games.freeRoundIssue')
    .set({ prepaid: JSON.stringify(chosen.value) })
    .where('id', '=', row.id)
    .execute();
  return chosen;
}

/** A provider that is away has decided nothing. */
async function refuse(db: Deps['db'], row: Issue, failure: Failure): Promise<void> {
  if (failure.code === 'dependency-unavailable') throw new FailureError(failure);
  await move(db, row, 'refused', failure.detail);
}

async function cancel(deps: Deps, row: Issue): Promise<void> {
  const provider = await deps.gameProviders.get(row.integration);
  const cancelled = provider?.cancelFreeRounds
    ? await provider.cancelFreeRounds({ issueId: row.issueId, games: gamesOf(row) })
    : fail('provider-lacks-feature', 'The provider takes no free rounds back.');
  if (cancelled.ok || cancelled.failure.code === 'transaction-not-found')
    return move(deps.db, row, 'cancelled', null);
  if (cancelled.failure.code === 'dependency-unavailable') throw new FailureError(cancelled.failure);
  await move(deps.db, row, row.remainingMs <= 0 ? 'ended' : 'issued', cancelled.failure.detail);
}

type NextState = 'issued' | 'refused' | 'cancelled' | 'ended';

/** An excluded player whose rounds the provider keeps open is invited to play: a person must speak with the provider. */
async function tellPeople(trx: Trx, row: Issue, state: NextState, failure: string | null): Promise<void> {
  const subject = `free-rounds:${row.id}`;
  const kind = 'free-rounds-not-taken-back';
  if (state !== 'issued') return closeWorkItems(trx, subject, [kind], 'The free rounds are over.');
  if (failure === null || !(await isBarred(trx, row))) return;
  const reason = `${row.integration} keeps free rounds of player ${row.playerId}, who may not play any more: ${failure}`;
  await openWorkItem(trx, { kind, subject, brand: row.brand, reason });
}

/** Moves the row unless somebody else has; a step that came too late changes nothing. */
async function move(db: Deps['db'], row: Issue, state: NextState, failure: string | null): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const moved = await trx
      .updateTable('games.freeRoundIssue')
      .set({ state, failure, endedAt: state === 'issued' ? null : sql<Date>`now()` })
      .where('id', '=', row.id)
      .where('state', '=', row.state)
      .returning('id')
      .executeTakeFirst();
    if (!moved) return;
    await tellPeople(trx, row, state, failure);
    const { id: freeRoundsId, integration, playerId, brand } = row;
    const payload = { freeRoundsId, integration, playerId };
    const fact = { version: 1, brand, playerId } as const;
    const deed = {
      actor: { kind: 'workflow', id: `free-rounds:${freeRoundsId}` },
      subject: `free-rounds:${freeRoundsId}`,
    } as const;
    if (failure !== null && state !== 'ended') {
      const type = state === 'refused' ? 'games.free-rounds.refused' : 'games.free-rounds.cancel-refused';
      await appendEvent(trx, { ...fact, type, payload: { ...payload, reason: failure } }, deed);
    } else {
      const name = state === 'refused' ? 'ended' : state;
      await appendEvent(trx, { ...fact, type: `games.free-rounds.${name}`, payload }, deed);
    }
  });
}
