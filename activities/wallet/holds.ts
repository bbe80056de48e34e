/** Holds on a player's money: the row and its journal in one transaction, the database's clock deciding what is late. */
import { sql } from 'kysely';
import { appendEvent, type Actor } from '#activities/compliance/append-event.ts';
import type { Trx } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { toMoneyText, type Units } from '#domain/money.ts';
import type { HoldTarget } from '#domain/wallet/chart.ts';
import {
  captureHold as takeFrom,
  endHold,
  heldRest,
  holdStates,
  type HoldStanding,
} from '#domain/wallet/holds.ts';
import { postTransfer } from './post.ts';

export type PlaceHold = {
  /** Made from the caller's key or from business ids. */
  readonly holdId: string;
  readonly playerId: string;
  readonly asset: string;
  readonly amount: Units;
  readonly reason: string;
  /** The account that captures go to, fixed from here on. */
  readonly captureTo: HoldTarget;
  /** `{noun}:{id}` of what the money is held for. */
  readonly subject: string | null;
  readonly note: string;
  readonly expiresAt: Date;
  readonly actor: Actor;
  readonly fingerprint: Buffer;
};

export type HoldRow = Awaited<ReturnType<typeof lockHold>> & {};

const actorText = ({ kind, id }: Actor): string => `${kind}:${id}`;

/**
 * Holds cash, or finds the hold that the same id made before. Failures: `idempotency-key-reused`, `wallet-not-found`,
 * `insufficient-funds`, `invalid-request` (it would run out at once, or in more than 366 days).
 */
export async function placeHold(trx: Trx, hold: PlaceHold): Promise<Result<HoldRow>> {
  const known = await knownHold(trx, hold);
  if (known) return known;
  const { holdId, playerId, asset, amount } = hold;
  const posted = await postTransfer(trx, {
    key: `hold:${holdId}:place`,
    playerId,
    asset,
    amount,
    subject: `hold:${holdId}`,
    transfer: { code: 'hold.place' },
  });
  if (!posted.ok) return posted;
  // The wallet was locked while another request with the same id wrote it.
  if (posted.value.repeated)
    return (await knownHold(trx, hold)) ?? fail('idempotency-key-reused', 'This id held money before.');
  const { brand, isInTime } = await trx
    .selectFrom('wallet.playerWallet')
    .select([
      'brand',
      sql<boolean>`${hold.expiresAt} between now() + interval '1 microsecond' and now() + interval '366 days'`.as(
        'isInTime',
      ),
    ])
    .where('playerId', '=', playerId)
    .where('asset', '=', asset)
    .executeTakeFirstOrThrow();
  if (!isInTime) return fail('invalid-request', 'A hold runs out in the future, within 366 days.');
  await trx
    .insertInto('wallet.hold')
    .values({
      id: holdId,
      playerId,
      asset,
      brand,
      amount: amount.toString(),
      reason: hold.reason,
      subject: hold.subject,
      note: hold.note,
      captureTo: hold.captureTo,
      placedBy: actorText(hold.actor),
      fingerprint: hold.fingerprint,
      expiresAt: hold.expiresAt,
    })
    .execute();
  await appendEvent(
    trx,
    {
      type: 'wallet.hold.placed',
      version: 1,
      brand,
      playerId,
      payload: {
        holdId,
        money: toMoneyText(amount, asset),
        reason: hold.reason,
        expiresAt: hold.expiresAt.toISOString(),
      },
    },
    { actor: hold.actor, subject: `hold:${holdId}`, reason: hold.note },
  );
  return succeed(await mustLockHold(trx, holdId));
}

async function knownHold(trx: Trx, hold: PlaceHold): Promise<Result<HoldRow> | null> {
  const row = await lockHold(trx, hold.holdId);
  if (!row) return null;
  return row.fingerprint.equals(hold.fingerprint)
    ? succeed(row)
    : fail('idempotency-key-reused', 'This key was used for another hold.');
}

export type CaptureHold = {
  readonly holdId: string;
  readonly captureId: string;
  readonly amount: Units;
  readonly actor: Actor;
};

/**
 * Takes a part of what is held. Failures: `not-found`, `hold-not-open` (ended or run out), `hold-exceeded`,
 * `own-approval` (an operator's own hold), `idempotency-key-reused`.
 */
export async function captureHold(trx: Trx, capture: CaptureHold): Promise<Result<HoldRow>> {
  const { holdId, captureId, amount, actor } = capture;
  const row = await lockHold(trx, holdId);
  if (!row) return fail('not-found', 'There is no such hold.');
  const known = await trx
    .selectFrom('wallet.holdCapture')
    .select(['holdId', 'amount'])
    .where('id', '=', captureId)
    .executeTakeFirst();
  if (known) {
    return known.holdId === holdId && BigInt(known.amount) === amount
      ? succeed(row)
      : fail('idempotency-key-reused', 'This key was used for another capture.');
  }
  if (actor.kind === 'operator' && row.placedBy === actorText(actor))
    return fail('own-approval', 'Who holds money does not take it, too.');
  const next = takeFrom(standingOf(row), amount);
  if (!next.ok) return next;
  const posted = await postTransfer(trx, {
    key: `hold:${holdId}:capture:${captureId}`,
    playerId: row.playerId,
    asset: row.asset,
    amount,
    subject: `hold:${holdId}`,
    transfer: { code: 'hold.capture', to: row.captureTo as HoldTarget },
  });
  if (!posted.ok) return posted;
  await trx
    .insertInto('wallet.holdCapture')
    .values({
      id: captureId,
      holdId,
      amount: amount.toString(),
      capturedBy: actorText(actor),
      journalId: posted.value.journalId,
    })
    .execute();
  await writeStanding(trx, holdId, next.value);
  await appendEvent(
    trx,
    {
      type: 'wallet.hold.captured',
      version: 1,
      brand: row.brand,
      playerId: row.playerId,
      payload: { holdId, captureId, money: toMoneyText(amount, row.asset) },
    },
    { actor, subject: `hold:${holdId}` },
  );
  return succeed(await mustLockHold(trx, holdId));
}

/** Gives the rest back; a release that came before stays. Failures: `not-found`, `hold-not-open`. */
export async function releaseHold(
  trx: Trx,
  { holdId, actor }: { readonly holdId: string; readonly actor: Actor },
): Promise<Result<HoldRow>> {
  const row = await lockHold(trx, holdId);
  if (!row) return fail('not-found', 'There is no such hold.');
  if (row.state === 'released') return succeed(row);
  return giveBack(trx, row, 'released', actor);
}

/** Ends a hold whose time is over; null when it is not, or when it has ended in the meantime. */
export async function expireHold(trx: Trx, holdId: string): Promise<Result<HoldRow> | null> {
  const row = await lockHold(trx, holdId);
  if (!row?.isPast || row.state !== 'open') return null;
  return giveBack(trx, row, 'expired', { kind: 'system', id: 'hold-expiry' });
}

async function giveBack(
  trx: Trx,
  row: HoldRow,
  state: 'released' | 'expired',
  actor: Actor,
): Promise<Result<HoldRow>> {
  const standing = standingOf(row);
  const next = endHold(standing, state);
  if (!next.ok) return next;
  const { id: holdId, playerId, asset, brand } = row;
  const rest = heldRest(standing);
  const posted = await postTransfer(trx, {
    key: `hold:${holdId}:release`,
    playerId,
    asset,
    amount: rest,
    subject: `hold:${holdId}`,
    transfer: { code: 'hold.release' },
  });
  if (!posted.ok) return posted;
  await writeStanding(trx, holdId, next.value);
  const type = state === 'released' ? 'wallet.hold.released' : 'wallet.hold.expired';
  await appendEvent(
    trx,
    { type, version: 1, brand, playerId, payload: { holdId, money: toMoneyText(rest, asset) } },
    { actor, subject: `hold:${holdId}` },
  );
  return succeed(await mustLockHold(trx, holdId));
}

/** Locked before the wallet, always: whoever changes a hold meets others here and not in the middle of a posting. */
function lockHold(trx: Trx, holdId: string) {
  return trx
    .selectFrom('wallet.hold')
    .selectAll()
    .select(sql<boolean>`expires_at <= clock_timestamp()`.as('isPast'))
    .where('id', '=', holdId)
    .forUpdate()
    .executeTakeFirst();
}

async function mustLockHold(trx: Trx, holdId: string): Promise<HoldRow> {
  const row = await lockHold(trx, holdId);
  if (!row) throw new Error(`Invariant broken: hold ${holdId} was just there`);
  return row;
}

function standingOf(row: HoldRow): HoldStanding {
  const state = holdStates.find((one) => one === row.state);
  if (!state) throw new Error(`Invariant broken: a hold is ${row.state}`);
  const { isPast } = row;
  return {
    amount: BigInt(row.amount),
    captured: BigInt(row.captured),
    released: BigInt(row.released),
    state,
    isPast,
  };
}

async function writeStanding(trx: Trx, holdId: string, standing: HoldStanding): Promise<void> {
  await trx
    .updateTable('wallet.hold')
    .set({
      captured: standing.captured.toString(),
      released: standing.released.toString(),
      state: standing.state,
      closedAt: standing.state === 'open' ? null : sql<Date>`now()`,
    })
    .where('id', '=', holdId)
    .execute();
}
