/** Books what a provider tells about a round that we asked about, as its own calls would have been booked. */
import { postFreeWin } from '#activities/bonus/commands/settle-free-win.ts';
import { gameFingerprint } from '#activities/wallet/game-fingerprint.ts';
import { postCommand, type Posted } from '#activities/wallet/post.ts';
import type { Trx } from '#db/connect.ts';
import { assets } from '#domain/assets.ts';
import { fail, type Result } from '#domain/failures.ts';
import { fromHub88Amount } from '#domain/games/hub88.ts';
import type { RollbackCommand, WinCommand } from '#domain/wallet/commands.ts';
import type { ProviderTransaction } from './providers.ts';
import { parkLateWin } from './commands/park-late-win.ts';
import { freeStakeOf, rewardTerms, type FreeFacts } from './reward-terms.ts';

/** The round and what its row says of it. */
export type ToldRound = {
  readonly integration: string;
  readonly roundRef: string;
  readonly playerId: string;
  readonly asset: string;
  readonly gameCode: string;
};

/** Wins of a settlement answer to nobody's guard any more. */
const noGuardMs = 0;

/**
 * Failures are those of the call that it stands for. Null where nothing is booked: a bet that we never took is not taken
 * now, and a win whose stake we gave back is a person's.
 */
export async function postTold(
  trx: Trx,
  round: ToldRound,
  transaction: ProviderTransaction,
): Promise<Result<Posted | null>> {
  const { kind, referenceExternalId: reference } = transaction;
  if (kind === 'bet') return { ok: true, value: null };
  if (kind === 'win') return postWin(trx, round, transaction);
  if (reference === null) return fail('invalid-request', 'A rollback names no original.');
  return postUndo(trx, round, transaction.externalId, reference);
}

/** Undoes a bet or a win of the round. */
export function postUndo(
  trx: Trx,
  round: ToldRound,
  externalId: string,
  reference: string,
): Promise<Result<Posted>> {
  const undo: RollbackCommand = {
    ...factsOf(round, externalId, { kind: 'rollback', amount: 0n, reference }),
    kind: 'rollback',
    originalExternalId: reference,
  };
  return postCommand(trx, undo);
}

async function postWin(
  trx: Trx,
  round: ToldRound,
  transaction: ProviderTransaction,
): Promise<Result<Posted | null>> {
  const { externalId, referenceExternalId: reference } = transaction;
  const ledgerScale = assets.get(round.asset)?.ledgerScale ?? 12;
  const amount = fromHub88Amount(BigInt(transaction.wireAmount), ledgerScale);
  const jackpot =
    transaction.jackpotWireAmount === null
      ? null
      : {
          pool: await poolOf(trx, round),
          amount: least(fromHub88Amount(BigInt(transaction.jackpotWireAmount), ledgerScale), amount),
        };
  const free = await freeStakeOf(trx, round, reference);
  const win: WinCommand = {
    ...factsOf(round, externalId, { kind: 'win', amount, reference }),
    kind: 'win',
    amount,
    betExternalId: reference,
    jackpotWin: jackpot,
    details:
      jackpot || free
        ? {
            ...(jackpot
              ? { jackpot: { pool: jackpot.pool, contribution: null, win: jackpot.amount.toString() } }
              : null),
            ...(free ? { free: { ...free, stake: null } } : null),
          }
        : null,
  };
  const posted = await (free ? postFree(trx, round, win, free) : postCommand(trx, win));
  if (posted.ok || posted.failure.code !== 'stake-returned') return posted;
  await parkLateWin(trx, win);
  return { ok: true, value: null };
}

async function postFree(
  trx: Trx,
  round: ToldRound,
  win: WinCommand,
  free: FreeFacts,
): Promise<Result<Posted>> {
  const { rewardId, supplierPromo } = free;
  const terms = rewardId === null || supplierPromo ? null : await rewardTerms(trx, { ...round, rewardId });
  return terms ? postFreeWin(trx, win, terms) : postCommand(trx, { ...win, free: { terms: null } });
}

const least = (one: bigint, other: bigint): bigint => (one < other ? one : other);

/** The pool of ours that pays the jackpot part; null where the jackpot is the provider's. */
async function poolOf(trx: Trx, { integration, gameCode }: ToldRound): Promise<string | null> {
  const game = await trx
    .selectFrom('games.game')
    .select('jackpotPool')
    .where('integration', '=', integration)
    .where('code', '=', gameCode)
    .executeTakeFirst();
  return game?.jackpotPool ?? null;
}

function factsOf(
  { integration, roundRef, playerId, asset, gameCode }: ToldRound,
  externalId: string,
  meaning: { kind: 'win' | 'rollback'; amount: bigint; reference: string | null },
) {
  const facts = { playerId, game: gameCode, round: roundRef, asset };
  return {
    ...facts,
    key: { integration, externalId },
    roundClosed: false,
    guardMs: noGuardMs,
    fingerprint: gameFingerprint({ ...facts, ...meaning }),
  };
}
