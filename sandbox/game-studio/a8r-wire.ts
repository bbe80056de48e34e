/** The SOFTSWISS a8r wallet dialects, v2 (Twirp, decimal text) and v1 ("play", subunits): batches, HMAC, any win is taken. */
import { exactJsonText } from '../support/exact-json.ts';
import { decimalText, parseDecimalText } from './decimal-text.ts';
import { requestSignHeader, signRequest } from './hmac-signature.ts';
import { parsedObject } from './rs-wire.ts';
import type { Player, Round, WalletTransaction } from './round-book.ts';
import type { ReadAnswer, WalletWire, WireRequest, WireWords } from './wallet-wire.ts';

export interface A8rParts {
  walletUrl: string;
  token: string;
}

const ok = 'OK';
/** Decimal places of a v2 amount. */
const decimals = 12;
/** Decimal places of a v1 amount in nearly every currency; only what a page shows depends on it. */
const subunitDecimals = 2;

const words = (sameIdOtherKind: string, malformed: readonly string[]): WireWords => ({
  notEnough: ['100'],
  // Type and player alone make another transaction of it; anything else is the same one again.
  otherContent: [ok],
  otherKind: [sameIdOtherKind],
  lateBet: [ok],
  winBeforeBet: [ok],
  winOfRolledBackBet: [ok],
  rollbackOfRollback: [ok, '400'],
  forged: ['403'],
  malformed,
});

const common = (token: string) =>
  ({
    ok,
    takesBatches: true,
    proof: (text, forged = false) => ({
      [requestSignHeader]: signRequest(text, forged ? `${token}-of-a-stranger` : token),
    }),
    verdict(_kind, status) {
      if (status === ok) return 'accepted';
      // 500 says that nobody knows.
      return status === undefined || status === '500' ? 'unknown' : 'refused';
    },
  }) satisfies Partial<WalletWire>;

/** The amounts of a batch go by these words in both versions. */
const isRollback = (transactions: readonly WalletTransaction[]) => transactions[0]?.kind === 'rollback';
const providerOf = (gameCode: string) => gameCode.split(':', 1)[0] ?? gameCode;

export function createA8rV2Wire({ walletUrl, token }: A8rParts): WalletWire {
  const request = (method: string, body: object): WireRequest => ({
    path: `/v2/a8r_casino.${method}`,
    text: exactJsonText(body),
  });
  const amountText = (amount: bigint) => decimalText(amount, decimals);
  const envelope = (round: Round) => ({
    player_id: round.user,
    round_id: round.id,
    game_id: round.gameCode,
    currency: round.currency,
    provider: providerOf(round.gameCode),
  });
  return {
    ...common(token),
    name: 'a8r-v2',
    walletUrl,
    oneUnit: 10n ** BigInt(decimals),
    closesInCall: false,
    words: words('409', ['400']),
    oddAmounts: ['1', '1.5', '"-1"', '"1e2"', '"1."', '".5"', '"1.1234567890123"', '"0x1"', 'null'].map(
      (written) => [written, ['400']],
    ),
    balance: ({ user, currency }: Player) => request('Player/Balance', { player_id: user, currency }),
    transactions(round, transactions) {
      if (isRollback(transactions))
        return request('Round/Rollback', {
          ...envelope(round),
          finished: transactions.at(-1)?.closesRound ?? false,
          transactions: transactions.map(({ uuid, referenceUuid }) => ({
            id: uuid,
            original_id: referenceUuid,
          })),
        });
      return request('Round/BetWin', {
        ...envelope(round),
        transactions: transactions.map(({ uuid, kind, amount, referenceUuid }) => ({
          id: uuid,
          type: kind,
          amount: amountText(amount),
          ...(referenceUuid === null ? {} : { bet_id: referenceUuid }),
        })),
      });
    },
    finish: ({ user, id, currency }) => request('Round/Finish', { player_id: user, round_id: id, currency }),
    freeRounds: ({ issueId, total }) =>
      request('Freespins/Finish', { issue_id: issueId, amount: amountText(total) }),
    read(http, text): ReadAnswer {
      const { balance, transactions, round_id_casino: round, meta } = parsedObject(text);
      if (http === 200)
        return {
          status: ok,
          receipt: exactJsonText({ round, transactions }),
          ...balanceOf(balance, decimals),
        };
      const { api_code: code, balance: shown } = (meta ?? {}) as { api_code?: unknown; balance?: unknown };
      return typeof code === 'string' ? { status: code, ...balanceOf(shown, decimals) } : {};
    },
  };
}

export function createA8rV1Wire({ walletUrl, token }: A8rParts): WalletWire {
  const request = (path: string, body: object): WireRequest => ({ path, text: exactJsonText(body) });
  const envelope = (round: Round, finished: boolean) => ({
    user_id: round.user,
    currency: round.currency,
    game: round.gameCode,
    game_id: round.id,
    finished,
  });
  return {
    ...common(token),
    name: 'a8r-v1',
    walletUrl,
    oneUnit: 10n ** BigInt(subunitDecimals),
    closesInCall: true,
    // v1 has no word of its own for either; both are what cannot be right.
    words: words('400', ['400']),
    oddAmounts: ['"100"', '1.5', '1e2', '100.0', '-1', 'null', '9223372036854775808'].map((written) => [
      written,
      ['400'],
    ]),
    balance: ({ user, currency, gameCode }: Player) =>
      request('/play', { user_id: user, currency, game: gameCode }),
    transactions(round, transactions) {
      const body = envelope(round, transactions.at(-1)?.closesRound ?? false);
      if (isRollback(transactions))
        return request('/rollback', {
          ...body,
          actions: transactions.map(({ uuid, referenceUuid }) => ({
            action: 'rollback',
            action_id: uuid,
            original_action_id: referenceUuid,
          })),
        });
      return request('/play', {
        ...body,
        actions: transactions.map(({ uuid, kind, amount, jackpot }) => ({
          action: kind,
          amount,
          action_id: uuid,
          ...(jackpot === 0n ? {} : { [kind === 'bet' ? 'jackpot_contribution' : 'jackpot_win']: jackpot }),
        })),
      });
    },
    finish: (round) => request('/play', { ...envelope(round, true), actions: [] }),
    freeRounds: ({ issueId, total }) =>
      request('/freespins', { issue_id: issueId, status: 'played', total_amount: total }),
    read(http, text): ReadAnswer {
      const { balance, transactions, code } = parsedObject(text);
      if (http === 200)
        return {
          status: ok,
          receipt: exactJsonText({ transactions }),
          ...(typeof balance === 'bigint' ? { balance } : {}),
        };
      return typeof code === 'bigint' ? { status: code.toString() } : {};
    },
  };
}

function balanceOf(text: unknown, scale: number): { balance?: bigint } {
  const balance = typeof text === 'string' ? parseDecimalText(text, scale) : undefined;
  return balance === undefined ? {} : { balance };
}
