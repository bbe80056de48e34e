/** What both a8r versions mean alike: players, ordered batches, rounds and results of free rounds. */
import { rewardTerms } from '#activities/games/reward-terms.ts';
import { parkLateWin } from '#activities/games/commands/park-late-win.ts';
import { finishRound } from '#activities/games/commands/finish-round.ts';
import { gameFingerprint } from '#activities/wallet/game-fingerprint.ts';
import type { GroupResult } from '#activities/wallet/command-groups.ts';
import type { WalletReply } from '#activities/wallet/writer.ts';
import { assets, type Asset } from '#domain/assets.ts';
import { assert, orThrow, type Failure } from '#domain/failures.ts';
import { a8rMeaning } from '#domain/games/a8r.ts';
import type { Units } from '#domain/money.ts';
import { instantMsOf } from '#domain/time-ordered-id.ts';
import type { GameCommand, WinCommand } from '#domain/wallet/commands.ts';
import { idFromKey } from '../idempotency.ts';
import { detailsOf } from './call-details.ts';
import { submitFreeWin } from './free-rounds.ts';
import { poolOf, stakeRulesOf } from './game-play-rules.ts';
import { refuse, WalletRefused, type A8rCall } from './a8r-serve.ts';
import type { Integration } from './integration-directory.ts';

const playerIdForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Whose wallet a call is about. `wallet-not-found`: no such player of this brand; `unsupported-asset`: not in this currency. */
export async function walletOf(
  { directory, integration }: A8rCall,
  playerId: string,
  currency: string,
): Promise<Asset> {
  const player = playerIdForm.test(playerId)
    ? await directory.player(integration.brand, playerId, currency)
    : null;
  if (!player) return refuse('wallet-not-found', 'There is no such player.');
  const asset = assets.get(currency);
  if (!asset || !player.hasAsset)
    return refuse('unsupported-asset', 'The player has no wallet in this currency.');
  return asset;
}

export async function balanceOf({ deps }: A8rCall, playerId: string, asset: Asset): Promise<Units> {
  return orThrow(await deps.wallet.balance({ playerId, asset: asset.code }));
}

export type RoundContext = {
  readonly playerId: string;
  readonly asset: Asset;
  readonly game: string;
  readonly round: string;
  readonly finished: boolean;
};

export type WireStep =
  | {
      readonly kind: 'bet';
      readonly id: string;
      readonly amount: Units;
      /** What the wire says went into a jackpot of the provider's; information. */
      readonly jackpotContribution?: Units | null;
    }
  | {
      readonly kind: 'win';
      readonly id: string;
      readonly amount: Units;
      readonly betId: string | null;
      /** The part of the amount that is jackpot. */
      readonly jackpotWin?: Units | null;
    }
  | { readonly kind: 'rollback'; readonly id: string; readonly originalId: string };

/** Our id of a round: the same for every call that names it. */
export const roundIdOf = ({ integration }: A8rCall, { playerId, round }: RoundContext): string =>
  idFromKey(`round:${integration.id}`, playerId, round);

/** Instant of processing, from the time-ordered journal id: a repeat shows the first one. */
export const processedAtOf = ({ journalId }: WalletReply): Date => new Date(instantMsOf(journalId));

/** Plays the steps in order, all or none. Throws `WalletRefused`. */
export async function playSteps(
  call: A8rCall,
  round: RoundContext,
  steps: readonly WireStep[],
): Promise<readonly WalletReply[]> {
  const linked = await linkWins(call, round, steps);
  let commands = linked.map((step, index) =>
    commandOf(call.integration, round, step, index === steps.length - 1),
  );
  const late: WinCommand[] = [];
  // Each turn frees one win from a bet that is unknown or gone, which this dialect pays all the same, or takes one out
  // whose stake we gave back ourselves.
  for (;;) {
    const result = await submitAll(call, commands);
    if (result.ok) {
      const replies = await withLateWins(call, round, { steps, late, replies: result.value });
      // A repeat moves nothing, so what it says about the round's end has to be done beside it.
      if (round.finished && replies.at(-1)?.repeated) await closeRound(call, round);
      return replies;
    }
    const { index, ...failure } = result.failure;
    const refused = commands[index];
    if (failure.code === 'stake-returned' && refused?.kind === 'win') {
      late.push(refused);
      commands = commands.filter((command) => command !== refused);
      continue;
    }
    const betIsGone = failure.code === 'transaction-not-found' || failure.code === 'transaction-rolled-back';
    if (!betIsGone || refused?.kind !== 'win' || refused.betExternalId === null)
      throw await refusedWith(call, round, failure);
    commands = commands.map((command) =>
      command === refused ? { ...refused, betExternalId: null } : command,
    );
  }
}

const submitAll = async ({ deps }: A8rCall, commands: readonly GameCommand[]): Promise<GroupResult> =>
  commands.length === 0 ? { ok: true, value: [] } : deps.wallet.submitBatch(commands);

/**
 * The replies in the order of the steps. A win whose stake we gave back is kept for a person and answered as done, like
 * an original that meets its tombstone: under the id of the record, and with no movement. It is kept after the rest has
 * happened, since a call that gets no answer is repeated.
 */
async function withLateWins(
  call: A8rCall,
  { playerId, asset }: RoundContext,
  {
    steps,
    late,
    replies,
  }: {
    readonly steps: readonly WireStep[];
    readonly late: readonly WinCommand[];
    readonly replies: readonly WalletReply[];
  },
): Promise<readonly WalletReply[]> {
  if (late.length === 0) return replies;
  const balance = replies.at(-1)?.balance ?? (await balanceOf(call, playerId, asset));
  const kept = new Map<string, WalletReply>();
  for (const win of late) {
    const journalId = await parkLateWin(call.deps.db, win);
    kept.set(win.key.externalId, { journalId, repeated: true, balance, bonusMoved: 0n });
  }
  const rest = replies.values();
  return steps.flatMap(({ id }) => kept.get(id) ?? rest.next().value ?? []);
}

/** The balance is read again: what a batch had moved before it was refused is not there. */
async function refusedWith(
  call: A8rCall,
  { playerId, asset }: RoundContext,
  failure: Failure,
): Promise<WalletRefused> {
  if (failure.code !== 'insufficient-funds') return new WalletRefused(failure, null);
  return new WalletRefused(failure, { units: await balanceOf(call, playerId, asset), asset });
}

/** A win that names no bet answers the last bet before it, so that it is paid into the pools that staked. */
async function linkWins(
  call: A8rCall,
  round: RoundContext,
  steps: readonly WireStep[],
): Promise<readonly WireStep[]> {
  const first = steps.find((step) => step.kind !== 'rollback');
  const needsEarlier = first?.kind === 'win' && first.betId === null;
  let lastBet = needsEarlier ? await lastBetOf(call, round) : null;
  return steps.map((step) => {
    if (step.kind === 'bet') lastBet = step.id;
    return step.kind === 'win' && step.betId === null ? { ...step, betId: lastBet } : step;
  });
}

async function lastBetOf(
  { deps, integration }: A8rCall,
  { round, playerId }: RoundContext,
): Promise<string | null> {
  const bet = await deps.db
    .selectFrom('wallet.journal')
    .select('externalId')
    .where('integration', '=', integration.id)
    .where('roundRef', '=', round)
    .where('playerId', '=', playerId)
    .where('code', '=', 'bet.place')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return bet?.externalId ?? null;
}

function commandOf(
  integration: Integration,
  round: RoundContext,
  step: WireStep,
  isLast: boolean,
): GameCommand {
  const { playerId, asset, game } = round;
  const known = integration.games.get(game);
  const facts = {
    key: { integration: integration.id, externalId: step.id },
    playerId,
    asset: asset.code,
    game,
    round: round.round,
    roundClosed: isLast && round.finished,
    guardMs: known?.guardMs ?? 0,
    fingerprint: gameFingerprint(a8rMeaning(step.kind, playerId)),
  };
  switch (step.kind) {
    case 'bet':
      return {
        ...facts,
        kind: 'bet',
        amount: step.amount,
        // No token travels on this wire: the player's brakes hold, a log-out is not seen.
        sessionIssuedAtMs: Number.POSITIVE_INFINITY,
        sessionExpiresAtMs: Number.POSITIVE_INFINITY,
        contributionBps: known?.contributionBps ?? 0,
        tolerateTombstone: true,
        // Only new stakes need a game that is open; repeats, wins and rollbacks outlive it.
        isGameOpen: known?.enabled ?? false,
        ...stakeRulesOf(integration.playRules, game),
        details: jackpotDetails(null, { contribution: step.jackpotContribution ?? null, win: null }),
      };
    case 'win': {
      const pool = poolOf(integration.playRules, game);
      const part = step.jackpotWin ?? null;
      const paid = part === null || part < step.amount ? part : step.amount;
      return {
        ...facts,
        kind: 'win',
        amount: step.amount,
        betExternalId: step.betId,
        tolerateTombstone: true,
        jackpotWin: paid === null ? null : { pool, amount: paid },
        details: jackpotDetails(pool, { contribution: null, win: paid }),
      };
    }
    case 'rollback':
      return { ...facts, kind: 'rollback', originalExternalId: step.originalId };
  }
}

const jackpotDetails = (
  pool: string | null,
  { contribution, win }: { readonly contribution: Units | null; readonly win: Units | null },
) =>
  contribution === null && win === null
    ? null
    : detailsOf({ free: null, jackpot: { pool, contribution, win }, wire: {} });

/** Closes the round; an unknown one is nothing to do (D12). */
export async function closeRound(
  { deps, integration }: A8rCall,
  round: Pick<RoundContext, 'playerId' | 'asset' | 'round'>,
): Promise<void> {
  const { playerId, asset } = round;
  await finishRound(deps.db, {
    integration: integration.id,
    brand: integration.brand,
    round: round.round,
    playerId,
    asset: asset.code,
  });
}

/**
 * Pays what a campaign of free rounds has won, once per issue. `invalid-request` for an issue that we never made.
 * `amountIn` reads the wire's amount for the asset of the issue; null means that nothing is to be paid yet.
 */
export async function payFreeRounds(
  call: A8rCall,
  issueId: string,
  amountIn: (asset: Asset) => Units | null,
): Promise<{ readonly balance: Units; readonly asset: Asset }> {
  const { deps, integration } = call;
  const issue = await deps.db
    .selectFrom('games.freeRoundIssue')
    .select(['playerId', 'asset', 'gameCode'])
    .where('integration', '=', integration.id)
    .where('issueId', '=', issueId)
    .executeTakeFirst();
  if (!issue) return refuse('invalid-request', 'There is no such issue of free rounds.');
  const asset = await walletOf(call, issue.playerId, issue.asset);
  const amount = amountIn(asset);
  if (amount === null) return { balance: await balanceOf(call, issue.playerId, asset), asset };
  const name = `freespins:${issueId}`;
  const round = { playerId: issue.playerId, asset, game: issue.gameCode, round: name, finished: true };
  const played = commandOf(integration, round, { kind: 'win', id: name, amount, betId: null }, true);
  assert(played.kind === 'win', 'a result of free rounds is a win');
  const details = detailsOf({
    free: { stake: null, rewardId: issueId, campaignId: null, supplierPromo: false, promoReference: null },
    jackpot: null,
    wire: {},
  });
  const reward = {
    integration: integration.id,
    rewardId: issueId,
    playerId: issue.playerId,
    asset: asset.code,
  };
  const result = await submitFreeWin(deps, { ...played, details }, await rewardTerms(deps.db, reward));
  if (!result.ok) throw new WalletRefused(result.failure, null);
  return { balance: result.value.balance, asset };
}
