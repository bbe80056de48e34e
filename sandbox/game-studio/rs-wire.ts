/** The wallet dialects whose answers begin with RS_: Hub88 and Caleta 1.5, alike but for paths, header and the player's name. */
import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { exactJsonText, parseExactJson } from '../support/exact-json.ts';
import { caletaSignatureHeader, signatureHeader, signBody } from './hub88-signature.ts';
import type { Round, TransactionKind, WalletTransaction } from './round-book.ts';
import type { ReadAnswer, WalletWire, WireRequest, WireWords } from './wallet-wire.ts';

const named = (...names: string[]) => names.map((name) => `RS_ERROR_${name}`);

/** The bet did not happen and no rollback follows. */
const betRefusals = new Set(
  named(
    'INVALID_TOKEN',
    'INVALID_GAME',
    'WRONG_CURRENCY',
    'NOT_ENOUGH_MONEY',
    'USER_DISABLED',
    'INVALID_SIGNATURE',
    'WRONG_SYNTAX',
    'WRONG_TYPES',
    'DUPLICATE_TRANSACTION',
    'BET_LIMIT_EXCEEDED',
    'TOKEN_EXPIRED',
    'INVALID_PARTNER',
    'LIMIT_REACHED',
    'TRANSACTION_ROLLED_BACK',
  ),
);
/** Given to a win or a rollback, these end the retries. */
const finalRefusals = new Set(
  named(
    'INVALID_TOKEN',
    'INVALID_GAME',
    'USER_DISABLED',
    'WRONG_CURRENCY',
    'INVALID_SIGNATURE',
    'DUPLICATE_TRANSACTION',
    'TRANSACTION_DOES_NOT_EXIST',
    'TRANSACTION_ROLLED_BACK',
  ),
);

const words: WireWords = {
  notEnough: named('NOT_ENOUGH_MONEY'),
  otherContent: named('DUPLICATE_TRANSACTION'),
  otherKind: named('DUPLICATE_TRANSACTION'),
  lateBet: named('TRANSACTION_ROLLED_BACK'),
  winBeforeBet: named('TRANSACTION_DOES_NOT_EXIST'),
  winOfRolledBackBet: named('TRANSACTION_ROLLED_BACK'),
  rollbackOfRollback: ['RS_OK', ...named('TRANSACTION_DOES_NOT_EXIST')],
  forged: named('INVALID_SIGNATURE'),
  malformed: named('WRONG_SYNTAX', 'WRONG_TYPES'),
};

const oddAmounts: WalletWire['oddAmounts'] = [
  ['"100000"', named('WRONG_TYPES')],
  ['1.5', named('WRONG_TYPES')],
  ['1e5', named('WRONG_TYPES')],
  ['100000.0', named('WRONG_TYPES')],
  ['-1', named('WRONG_TYPES', 'WRONG_SYNTAX', 'UNKNOWN')],
  ['9223372036854775808', named('WRONG_TYPES', 'NOT_ENOUGH_MONEY')],
  ['1,"amount":2', named('WRONG_SYNTAX')],
  ['null', named('WRONG_TYPES', 'WRONG_SYNTAX')],
];

interface RsFlavour {
  name: 'hub88' | 'caleta';
  header: string;
  userField: 'user' | 'supplier_user';
  paths: Record<'balance' | TransactionKind, string>;
}

const hub88: RsFlavour = {
  name: 'hub88',
  header: signatureHeader,
  userField: 'user',
  paths: {
    balance: '/user/balance',
    bet: '/transaction/bet',
    win: '/transaction/win',
    rollback: '/transaction/rollback',
  },
};
const caleta: RsFlavour = {
  name: 'caleta',
  header: caletaSignatureHeader,
  userField: 'supplier_user',
  paths: {
    balance: '/wallet/balance',
    bet: '/wallet/bet',
    win: '/wallet/win',
    rollback: '/wallet/rollback',
  },
};

interface RsParts {
  walletUrl: string;
  privateKey: KeyObject;
}

export const createHub88Wire = (parts: RsParts): WalletWire => ({
  ...createRsWire(hub88, parts),
  info: ({ user }) => ({ path: '/user/info', text: exactJsonText({ user, request_uuid: randomUUID() }) }),
});

/** Its tokens rotate: the check answers a new one, and the old takes no more bets. */
export const createCaletaWire = (parts: RsParts): WalletWire => ({
  ...createRsWire(caleta, parts),
  check: ({ token }) => ({ path: '/wallet/check', text: exactJsonText({ token }) }),
});

function createRsWire(flavour: RsFlavour, { walletUrl, privateKey }: RsParts): WalletWire {
  let strangersKey: KeyObject | undefined;
  const forgedKey = () => (strangersKey ??= generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey);
  const request = (name: keyof RsFlavour['paths'], body: object): WireRequest => ({
    path: flavour.paths[name],
    text: exactJsonText(body),
  });
  return {
    name: flavour.name,
    walletUrl,
    oneUnit: 100_000n,
    ok: 'RS_OK',
    takesBatches: false,
    closesInCall: true,
    words,
    oddAmounts,
    proof(text, forged = false) {
      const headers = { [flavour.header]: signBody(text, forged ? forgedKey() : privateKey) };
      // The event's time, as Caleta writes it: good for ordering, not for trust.
      return flavour.name === 'caleta' ? { ...headers, 'x-msg-timestamp': messageTime() } : headers;
    },
    balance: ({ token, user, gameCode }) =>
      request('balance', {
        token,
        [flavour.userField]: user,
        request_uuid: randomUUID(),
        game_code: gameCode,
      }),
    transactions(round, [transaction, ...more]) {
      if (transaction === undefined || more.length > 0)
        throw new Error(`${flavour.name} moves one transaction in a call`);
      return request(transaction.kind, bodyOf(flavour, round, transaction));
    },
    read,
    verdict(kind, status) {
      if (status === 'RS_OK') return 'accepted';
      const refusals = kind === 'bet' ? betRefusals : finalRefusals;
      return status !== undefined && refusals.has(status) ? 'refused' : 'unknown';
    },
  };
}

function bodyOf(flavour: RsFlavour, round: Round, transaction: WalletTransaction): object {
  const isFree = round.reward !== null || transaction.promo !== null;
  const common = {
    request_uuid: transaction.requestUuid,
    token: round.token,
    [flavour.userField]: round.user,
    transaction_uuid: transaction.uuid,
    game_code: round.gameCode,
    round: round.id,
    round_closed: transaction.closesRound,
  };
  const reference =
    transaction.referenceUuid === null ? {} : { reference_transaction_uuid: transaction.referenceUuid };
  // A rollback carries neither amount nor currency.
  if (transaction.kind === 'rollback')
    return { ...common, ...reference, ...(isFree ? { is_free: true } : {}) };
  return {
    ...common,
    ...reference,
    currency: round.currency,
    amount: transaction.amount,
    is_free: isFree,
    ...(round.reward === null ? {} : { reward_uuid: round.reward.id }),
    ...(round.reward?.campaign == null ? {} : { campaign_uuid: round.reward.campaign }),
    // Hub88 has no word for the part that a pool pays.
    ...(flavour.name === 'caleta' && transaction.kind === 'win' && transaction.jackpot > 0n
      ? { jackpot_win: transaction.jackpot }
      : {}),
    ...(transaction.promo === null ? {} : promoFields(transaction.promo)),
  };
}

const promoFields = (reference: string) => ({
  is_supplier_promo: true,
  meta: { supplier_promo_info: { promo_reference: reference } },
});

/** `2023-01-17 08:13:17.985000+00:00`. */
const messageTime = () => new Date().toISOString().replace('T', ' ').replace('Z', '000+00:00');

/** Everything but HTTP 200 counts as a failure of the network. */
function read(http: number, text: string): ReadAnswer {
  if (http !== 200) return {};
  const parsed = parsedObject(text);
  const { status, balance, token, user, currency } = parsed;
  return {
    ...(typeof status === 'string' ? { status, receipt: exactJsonText({ status, user, currency }) } : {}),
    ...(typeof balance === 'bigint' ? { balance } : {}),
    // The check knows no status: a token is its success.
    ...(typeof token === 'string' ? { token, status: 'RS_OK' } : {}),
  };
}

export function parsedObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const parsed = parseExactJson(text);
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  } catch {
    return {};
  }
}
