/** The SOFTSWISS a8r v2 wallet calls: decimal strings, Twirp errors, one atomic ordered batch per call. */
import { fromA8rAmount, a8rMessages, a8rV2CodeOf, toA8rAmount, type A8rCode } from '#domain/games/a8r.ts';
import type { Asset } from '#domain/assets.ts';
import { orThrow } from '#domain/failures.ts';
import type { Units } from '#domain/money.ts';
import type { WalletReply } from '#activities/wallet/writer.ts';
import type { ApiDeps } from '../context.ts';
import {
  balanceOf,
  closeRound,
  payFreeRounds,
  playSteps,
  processedAtOf,
  roundIdOf,
  walletOf,
  type RoundContext,
  type WireStep,
} from './a8r-calls.ts';
import type { Doors } from './dialect-doors.ts';
import {
  answerUndecided,
  isUndecided,
  parsed,
  serveA8r,
  type A8rCall,
  type A8rVersion,
} from './a8r-serve.ts';
import { v2Balance, v2BetWin, v2Finish, v2Freespins, v2Rollback } from './a8r-schemas.ts';
import { jsonAnswer } from './wallet-call.ts';

type V2Code = Exclude<A8rCode, 105 | 107>;

const twirp: Readonly<Partial<Record<V2Code, readonly [string, 403 | 409 | 500]>>> = {
  403: ['permission_denied', 403],
  409: ['already_exists', 409],
  500: ['internal', 500],
};

export const a8rV2: A8rVersion = {
  dialect: 'a8r-v2',
  signatureOf: (header) => header('x-request-sign'),
  refusal(failure, balance) {
    const apiCode = failure ? a8rV2CodeOf(failure.code) : 500;
    const message = a8rMessages[apiCode];
    const meta = {
      api_code: apiCode.toString(),
      api_message: message,
      ...(balance ? { balance: textOf(balance.units, balance.asset) } : {}),
    };
    const textWith = (code: string): string => JSON.stringify({ code, msg: message, meta });
    // Twirp's own word for what is to be asked again; the vendor's table has none.
    if (failure && isUndecided(failure.code)) return answerUndecided(textWith('unavailable'), failure);
    // Twirp's own word for an address or a method that leads nowhere.
    const isLost = failure?.code === 'not-found' || failure?.code === 'method-not-allowed';
    const [code, status] = isLost
      ? (['bad_route', 404] as const)
      : (twirp[apiCode] ?? (['invalid_argument', 400] as const));
    return jsonAnswer(textWith(code), status);
  },
};

/**
 * Mounts the calls under /wallet/a8r/v2/{integration}, and under /wallet/a8r/{integration}/v2 for aggregators that put
 * the version between their base address and the method themselves.
 */
export function mountA8rV2(doors: Doors, deps: ApiDeps): void {
  const serve = serveA8r(deps, a8rV2);
  const methods = {
    'Player/Balance': balance,
    'Round/BetWin': betWin,
    'Round/Rollback': rollback,
    'Round/Finish': finish,
    'Freespins/Finish': freespins,
  };
  for (const [method, operation] of Object.entries(methods)) {
    for (const base of ['/wallet/a8r/v2/:integration', '/wallet/a8r/:integration/v2']) {
      doors.post(`${base}/a8r_casino.${method}`, serve(operation));
    }
  }
}

const textOf = (units: Units, asset: Asset): string => toA8rAmount(units, asset.ledgerScale);

const balanceText = (units: Units, asset: Asset): string => JSON.stringify({ balance: textOf(units, asset) });

async function balance(call: A8rCall): Promise<string> {
  const { player_id: playerId, currency } = parsed(v2Balance, call.body);
  const asset = await walletOf(call, playerId, currency);
  return balanceText(await balanceOf(call, playerId, asset), asset);
}

async function betWin(call: A8rCall): Promise<string> {
  const body = parsed(v2BetWin, call.body);
  const asset = await walletOf(call, body.player_id, body.currency);
  const steps = body.transactions.map(({ id, type, amount: text, bet_id: betId }): WireStep => {
    const amount = orThrow(fromA8rAmount(text, asset.ledgerScale));
    return type === 'bet' ? { kind: 'bet', id, amount } : { kind: 'win', id, amount, betId: betId ?? null };
  });
  return play(call, roundOf(body, asset), steps);
}

async function rollback(call: A8rCall): Promise<string> {
  const body = parsed(v2Rollback, call.body);
  const asset = await walletOf(call, body.player_id, body.currency);
  const steps = body.transactions.map(({ id, original_id: originalId }): WireStep => ({
    kind: 'rollback',
    id,
    originalId,
  }));
  return play(call, roundOf(body, asset), steps);
}

type RoundBody = {
  readonly player_id: string;
  readonly round_id: string;
  readonly game_id: string;
  readonly finished?: boolean | null | undefined;
};

const roundOf = (body: RoundBody, asset: Asset): RoundContext => ({
  playerId: body.player_id,
  asset,
  game: body.game_id,
  round: body.round_id,
  finished: body.finished ?? false,
});

async function play(call: A8rCall, round: RoundContext, steps: readonly WireStep[]): Promise<string> {
  const replies = await playSteps(call, round, steps);
  const transactions = replies.map((reply, index) =>
    transactionOf(steps[index]?.id ?? '', reply, round.asset),
  );
  const last = replies.at(-1)?.balance ?? 0n;
  return JSON.stringify({
    balance: textOf(last, round.asset),
    round_id_casino: roundIdOf(call, round),
    transactions,
  });
}

const transactionOf = (id: string, reply: WalletReply, asset: Asset) => ({
  id,
  id_casino: reply.journalId,
  bonus_amount: textOf(reply.bonusMoved, asset),
  processed_at: processedAtOf(reply).toISOString(),
});

async function finish(call: A8rCall): Promise<string> {
  const { player_id: playerId, round_id: round, currency } = parsed(v2Finish, call.body);
  const asset = await walletOf(call, playerId, currency);
  await closeRound(call, { playerId, asset, round });
  return balanceText(await balanceOf(call, playerId, asset), asset);
}

async function freespins(call: A8rCall): Promise<string> {
  const { issue_id: issueId, amount } = parsed(v2Freespins, call.body);
  const paid = await payFreeRounds(call, issueId, (asset) =>
    orThrow(fromA8rAmount(amount, asset.ledgerScale)),
  );
  return balanceText(paid.balance, paid.asset);
}
