/** Signed wallet calls of a provider, in Hub88's dialect and a8r v2's, each told as done, refused or unknown. */
import { createHmac, createPrivateKey, randomUUID, sign, type KeyObject } from 'node:crypto';
import { parseExactJson } from '#api/games/exact-json.ts';
import type { Attempt, BalanceRead, MovementKind } from './wallet-history.ts';
import type { RigKeys, RigPlayer } from './wallet-rig.ts';

export const callerDialects = ['hub88', 'a8r-v2'] as const;
export type CallerDialect = (typeof callerDialects)[number];

export type Movement = {
  readonly dialect: CallerDialect;
  readonly externalId: string;
  readonly kind: MovementKind;
  readonly player: RigPlayer;
  /** Ledger units: whole multiples of what Hub88's wire can say. */
  readonly amount: bigint;
  /** A win's bet, a rollback's original. */
  readonly reference: string | null;
  readonly round: string;
};

export type CallFaults = {
  /** The connection is destroyed after this time, whatever has happened by then. */
  readonly cutAfterMs?: number;
};

export type WalletCaller = {
  /** One call with one movement. */
  call(
    apiUrl: string,
    movement: Movement,
    faults?: CallFaults,
  ): Promise<Attempt & { readonly status: string }>;
  /** One a8r call with several movements of one player and round, in order, all or none. */
  callBatch(apiUrl: string, movements: readonly Movement[]): Promise<BatchAnswer>;
  /** Null where no answer came. */
  readBalance(apiUrl: string, player: RigPlayer, dialect: CallerDialect): Promise<BalanceRead | null>;
};

export type BatchAnswer = {
  readonly outcome: Attempt['outcome'];
  readonly status: string;
  /** The wallet's answer to each movement, by its id. */
  readonly replies: ReadonlyMap<string, string>;
};

const hub88Unit = 10n ** 7n;
const a8rDecimals = 12;
const timeoutMs = 5_000;
const integrations = { hub88: 'studio', 'a8r-v2': 'studio-a8r-v2' } as const;
const games = { hub88: 'pbs_dragonvault', 'a8r-v2': 'pbs:dragonvault' } as const;

export const newMovement = (
  wish: Pick<Movement, 'dialect' | 'kind' | 'player' | 'amount'> & Partial<Movement>,
): Movement => ({ externalId: randomUUID(), round: randomUUID(), reference: null, ...wish });

export function createWalletCaller(keys: RigKeys): WalletCaller {
  const key = createPrivateKey(keys.studioPrivateKey);
  return {
    async call(apiUrl, movement, faults = {}) {
      const invokedAtMs = performance.now();
      const heard =
        movement.dialect === 'hub88'
          ? await callHub88(apiUrl, key, `transaction/${movement.kind}`, hub88Body(movement), faults)
          : await callA8r(apiUrl, keys.a8rV2Token, methodOf([movement]), a8rBody([movement]), faults);
      const { kind, externalId, amount, reference } = movement;
      return {
        integration: integrations[movement.dialect],
        playerId: movement.player.id,
        kind,
        externalId,
        amount: kind === 'rollback' ? 0n : amount,
        reference: kind === 'rollback' ? reference : null,
        invokedAtMs,
        completedAtMs: performance.now(),
        outcome: heard.outcome,
        status: heard.status,
        reply: heard.outcome === 'ok' ? (heard.replies.get(externalId) ?? heard.reply) : null,
        journalId: heard.outcome === 'ok' ? (heard.journals.get(externalId) ?? null) : null,
        balance: heard.balance,
      };
    },
    async callBatch(apiUrl, movements) {
      return callA8r(apiUrl, keys.a8rV2Token, methodOf(movements), a8rBody(movements), {});
    },
    async readBalance(apiUrl, player, dialect) {
      const invokedAtMs = performance.now();
      const heard =
        dialect === 'hub88'
          ? await callHub88(
              apiUrl,
              key,
              'user/balance',
              {
                request_uuid: randomUUID(),
                token: player.tokens.studio,
                user: player.id,
                game_code: games.hub88,
              },
              {},
            )
          : await callA8r(
              apiUrl,
              keys.a8rV2Token,
              'Player/Balance',
              { player_id: player.id, currency: 'EUR' },
              {},
            );
      if (heard.outcome !== 'ok' || heard.balance === null) return null;
      return { playerId: player.id, invokedAtMs, completedAtMs: performance.now(), balance: heard.balance };
    },
  };
}

type Heard = BatchAnswer & {
  readonly reply: string | null;
  readonly journals: ReadonlyMap<string, string>;
  readonly balance: bigint | null;
};

const nothingHeard = (status: string): Heard => ({
  outcome: 'info',
  status,
  reply: null,
  replies: new Map(),
  journals: new Map(),
  balance: null,
});

async function post(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  { cutAfterMs }: CallFaults,
): Promise<{ http: number; body: Record<string, unknown> } | null> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
      signal: AbortSignal.timeout(cutAfterMs ?? timeoutMs),
    });
    const parsed = parseExactJson(await response.text());
    return { http: response.status, body: { ...(parsed as Record<string, unknown>) } };
  } catch {
    return null;
  }
}

function hub88Body(movement: Movement): object {
  const { externalId, kind, player, amount, reference, round } = movement;
  return {
    request_uuid: randomUUID(),
    token: player.tokens.studio,
    user: player.id,
    transaction_uuid: externalId,
    ...(reference === null ? {} : { reference_transaction_uuid: reference }),
    game_code: games.hub88,
    round,
    round_closed: kind !== 'bet',
    ...(kind === 'rollback' ? {} : { currency: 'EUR', amount: Number(amount / hub88Unit), is_free: false }),
  };
}

async function callHub88(
  apiUrl: string,
  key: KeyObject,
  path: string,
  fields: object,
  faults: CallFaults,
): Promise<Heard> {
  const body = JSON.stringify(fields);
  const signature = sign('RSA-SHA256', Buffer.from(body), key).toString('base64');
  const url = `${apiUrl}/wallet/hub88/${integrations.hub88}/${path}`;
  const answer = await post(url, body, { 'x-hub88-signature': signature }, faults);
  const status = answer?.body['status'];
  if (answer === null || answer.http !== 200 || typeof status !== 'string') return nothingHeard('none');
  if (status === 'RS_ERROR_UNKNOWN' || status === 'RS_ERROR_TIMEOUT') return nothingHeard(status);
  const { balance, user, currency } = answer.body;
  return {
    ...nothingHeard(status),
    outcome: status === 'RS_OK' ? 'ok' : 'fail',
    reply: JSON.stringify({ status, user, currency }),
    balance: typeof balance === 'bigint' ? balance * hub88Unit : null,
  };
}

const methodOf = ([first]: readonly Movement[]) =>
  first?.kind === 'rollback' ? 'Round/Rollback' : 'Round/BetWin';

function a8rBody(movements: readonly Movement[]): object {
  const [first] = movements;
  return {
    player_id: first?.player.id,
    round_id: first?.round,
    game_id: games['a8r-v2'],
    currency: 'EUR',
    provider: 'pbs',
    ...(first?.kind === 'rollback' ? { finished: true } : {}),
    transactions: movements.map(({ externalId, kind, amount, reference }) =>
      kind === 'rollback'
        ? { id: externalId, original_id: reference }
        : {
            id: externalId,
            type: kind,
            amount: decimal(amount),
            ...(reference === null ? {} : { bet_id: reference }),
          },
    ),
  };
}

function decimal(units: bigint): string {
  const digits = units.toString().padStart(a8rDecimals + 1, '0');
  return `${digits.slice(0, -a8rDecimals)}.${digits.slice(-a8rDecimals)}`;
}

function unitsOf(text: unknown): bigint | null {
  if (typeof text !== 'string') return null;
  const [whole = '', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(a8rDecimals, '0'));
}

async function callA8r(
  apiUrl: string,
  token: string,
  method: string,
  fields: object,
  faults: CallFaults,
): Promise<Heard> {
  const body = JSON.stringify(fields);
  const signature = createHmac('sha256', token).update(body).digest('hex');
  const url = `${apiUrl}/wallet/a8r/${integrations['a8r-v2']}/v2/a8r_casino.${method}`;
  const answer = await post(url, body, { 'x-request-sign': signature }, faults);
  if (answer === null) return nothingHeard('none');
  if (answer.http !== 200) {
    const { api_code: code } = (answer.body['meta'] ?? {}) as { api_code?: unknown };
    // 500 says that the outcome is not known, and so does an answer in no dialect.
    if (typeof code !== 'string' || code === '500') return nothingHeard(String(answer.http));
    return { ...nothingHeard(code), outcome: 'fail' };
  }
  const transactions = (answer.body['transactions'] ?? []) as { id: string; id_casino: string }[];
  return {
    outcome: 'ok',
    status: 'OK',
    reply: null,
    replies: new Map(transactions.map((one) => [one.id, JSON.stringify(one)])),
    journals: new Map(transactions.map((one) => [one.id, one.id_casino])),
    balance: unitsOf(answer.body['balance']),
  };
}
