/** The SOFTSWISS a8r v1 wallet calls ("play, rollback, freespins"): integer subunits, 412 for what cannot be done. */
import type { WalletReply } from '#activities/wallet/writer.ts';
import type { Asset } from '#domain/assets.ts';
import { a8rMessages, a8rV1CodeOf, fromSubunits, shareOfSubunits, toSubunits } from '#domain/games/a8r.ts';
import type { Units } from '#domain/money.ts';
import type { ApiDeps } from '../context.ts';
import { balanceOf, closeRound, payFreeRounds, playSteps, walletOf, type WireStep } from './a8r-calls.ts';
import type { Doors } from './dialect-doors.ts';
import {
  answerUndecided,
  isUndecided,
  parsed,
  refuse,
  serveA8r,
  type A8rCall,
  type A8rVersion,
} from './a8r-serve.ts';
import { v1Freespins, v1Play, v1Rollback } from './a8r-schemas.ts';
import { jsonAnswer } from './wallet-call.ts';

export const a8rV1: A8rVersion = {
  dialect: 'a8r-v1',
  signatureOf: (header) =>
    header('x-request-sign') ?? header('authorization')?.match(/^HMAC-SHA256 (\S+)$/)?.[1],
  refusal(failure) {
    const code = failure ? a8rV1CodeOf(failure.code) : 500;
    const text = JSON.stringify({ code, message: a8rMessages[code] });
    if (code === 403) return jsonAnswer(text, 403);
    // Nobody knows what became of the call, so it may not look like a refusal that is final.
    if (failure && isUndecided(failure.code)) return answerUndecided(text, failure);
    return jsonAnswer(text, code === 500 ? 500 : 412);
  },
};

/** Mounts the calls under /wallet/a8r/v1/{integration}. */
export function mountA8rV1(doors: Doors, deps: ApiDeps): void {
  const serve = serveA8r(deps, a8rV1);
  for (const [path, operation] of Object.entries({ play, rollback, freespins })) {
    doors.post(`/wallet/a8r/v1/:integration/${path}`, serve(operation));
  }
}

/** Without actions it asks for the balance, and ends the round where it says so. */
async function play(call: A8rCall): Promise<string> {
  const body = parsed(v1Play, call.body);
  const asset = await walletOf(call, body.user_id, body.currency);
  const round = {
    playerId: body.user_id,
    asset,
    game: body.game,
    round: body.game_id ?? '',
    finished: body.finished ?? false,
  };
  const actions = body.actions ?? [];
  if (actions.length === 0) {
    if (round.finished && round.round !== '') await closeRound(call, round);
    const named = round.round === '' ? {} : { game_id: round.round };
    return answerText(await balanceOf(call, round.playerId, asset), asset, named);
  }
  const steps = actions.map((action): WireStep => {
    const { action_id: id, amount: subunits, jackpot_win: jackpot } = action;
    const amount = fromSubunits(subunits, asset);
    if (action.action === 'bet') {
      const jackpotContribution = shareOfSubunits(action.jackpot_contribution, asset);
      return { kind: 'bet', id, amount, jackpotContribution };
    }
    const jackpotWin = typeof jackpot === 'bigint' ? fromSubunits(jackpot, asset) : null;
    return { kind: 'win', id, amount, betId: null, jackpotWin };
  });
  return playedText(await playSteps(call, round, steps), steps, round);
}

async function rollback(call: A8rCall): Promise<string> {
  const body = parsed(v1Rollback, call.body);
  const asset = await walletOf(call, body.user_id, body.currency);
  const round = {
    playerId: body.user_id,
    asset,
    game: body.game,
    round: body.game_id,
    finished: body.finished ?? false,
  };
  const steps = body.actions.map(({ action_id: id, original_action_id: originalId }): WireStep => ({
    kind: 'rollback',
    id,
    originalId,
  }));
  return playedText(await playSteps(call, round, steps), steps, round);
}

/** What is final is paid, once per issue. */
const finalStatuses: ReadonlySet<string> = new Set([
  'played',
  'expired',
  'canceled',
  'cancelled',
  'finished',
]);
/** Results that can still change are acknowledged; a final one follows. */
const runningStatuses: ReadonlySet<string> = new Set(['active', 'issued', 'started']);

/** Winnings under a word that nobody knows are refused: acknowledged, they would be paid by nobody and missed by nobody. */
async function freespins(call: A8rCall): Promise<string> {
  const { issue_id: issueId, status, total_amount: total } = parsed(v1Freespins, call.body);
  const isFinal = finalStatuses.has(status);
  if (!isFinal && !runningStatuses.has(status) && total > 0n)
    return refuse('invalid-request', 'The status of the free rounds is unknown, and they have won.');
  const { balance, asset } = await payFreeRounds(call, issueId, (of) =>
    isFinal ? fromSubunits(total, of) : null,
  );
  return answerText(balance, asset, {});
}

function playedText(
  replies: readonly WalletReply[],
  steps: readonly WireStep[],
  { asset, round }: { readonly asset: Asset; readonly round: string },
): string {
  const transactions = replies.map((reply, index) => ({
    action_id: steps[index]?.id ?? '',
    tx_id: reply.journalId,
  }));
  return answerText(replies.at(-1)?.balance ?? 0n, asset, { game_id: round, transactions });
}

/** JSON.stringify knows no integers beyond 2^53, and balances reach them. */
function answerText(units: Units, asset: Asset, more: Readonly<Record<string, unknown>>): string {
  const rest = JSON.stringify(more).slice(1);
  return `{"balance":${toSubunits(units, asset)}${rest === '}' ? '' : ','}${rest}`;
}
