/** All four wallet dialects on the whole application, with signed calls, a ledger to look into and the log lines they leave. */
import { createHmac, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import type { ApiDeps } from '#api/context.ts';
import { openGameSession } from '#activities/games/commands/game-sessions.ts';
import { orThrow } from '#domain/failures.ts';
import { createTestApi, type TestApi } from './api.ts';
import type { TestDatabase } from './database.ts';
import { makeDeposit, makePlayer } from './factories.ts';
import { makeIntegration, testKeyRing } from './integrations.ts';

export const euro = 10n ** 12n;
export const dialects = ['hub88', 'caleta', 'a8r-v2', 'a8r-v1'] as const;
export type Dialect = (typeof dialects)[number];

export type DoorPlayer = {
  readonly id: string;
  readonly asset: string;
  /** Tokens of the dialects that have them. */
  readonly tokens: Readonly<Record<'hub88' | 'caleta', string>>;
};

export type DoorAnswer = {
  readonly http: number;
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly requestId: string;
  /** Seconds after which the caller is told to come back, where it is told. */
  readonly retryAfter: string | null;
};

export type RawCall = {
  readonly method?: string;
  /** Null leaves the signature out; undefined signs the body. */
  readonly signature?: string | null;
  readonly contentType?: string | null;
  readonly integration?: string;
};

const caller = generateKeyPairSync('rsa', { modulusLength: 2048 });
const secret = 'a-secret-of-the-aggregator';
/** The same game under the name that each dialect can say. */
export const gameOf = (dialect: Dialect, name = 'slot'): string =>
  dialect.startsWith('a8r') ? `acme:${name}` : name;

const pathOf: Readonly<Record<Dialect, (integration: string, call: string) => string>> = {
  hub88: (integration, call) => `/wallet/hub88/${integration}/${call}`,
  caleta: (integration, call) => `/wallet/caleta/${integration}/${call}`,
  'a8r-v2': (integration, call) => `/wallet/a8r/v2/${integration}/a8r_casino.${call}`,
  'a8r-v1': (integration, call) => `/wallet/a8r/v1/${integration}/${call}`,
};
const signatureHeader: Readonly<Record<Dialect, string>> = {
  hub88: 'x-hub88-signature',
  caleta: 'x-auth-signature',
  'a8r-v2': 'x-request-sign',
  'a8r-v1': 'x-request-sign',
};

export type WalletDoors = {
  readonly app: TestApi;
  /** Log lines so far, newest last. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
  /** A player with a wallet, money and a token of each dialect that has tokens. */
  player(
    amount?: bigint,
    wish?: { readonly asset?: string; readonly jurisdiction?: string },
  ): Promise<DoorPlayer>;
  /** Sends a signed call; `body` may be text that is no JSON. */
  call(dialect: Dialect, call: string, body: object | string, raw?: RawCall): Promise<DoorAnswer>;
  /** Rows of the ledger and balances: what a refused call must leave as it is. */
  ledger(): Promise<Readonly<Record<string, unknown>>>;
  wallet(player: DoorPlayer): Promise<Record<'cash' | 'bonus' | 'receivable', bigint>>;
  close(): Promise<void>;
};

/**
 * Integrations are named like their dialects; `withdrawn` games take no stakes. Doors that are not the first stand for
 * another process on the same database.
 */
export async function openWalletDoors(
  database: TestDatabase,
  changes: Partial<ApiDeps> = {},
  { isFirst = true }: { readonly isFirst?: boolean } = {},
): Promise<WalletDoors> {
  const log: Record<string, unknown>[] = [];
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      log.push(JSON.parse(chunk.toString('utf8')) as Record<string, unknown>);
      done();
    },
  });
  const app = await createTestApi(database, {
    log: pino({ level: 'debug' }, sink),
    // Processes on one database share the keys that open what is sealed in it.
    keyRing: testKeyRing,
    ...changes,
  });
  for (const dialect of isFirst ? dialects : []) {
    const isA8r = dialect.startsWith('a8r');
    await makeIntegration(database.db, {
      id: dialect,
      dialect,
      ...(isA8r
        ? { callerSecret: secret }
        : { callerPublicKey: caller.publicKey.export({ type: 'spki', format: 'pem' }).toString() }),
    });
    await database.db
      .insertInto('games.game')
      .values(
        ['slot', 'withdrawn', 'pooled', 'capped'].map((name) => ({
          integration: dialect,
          code: gameOf(dialect, name),
          title: name,
          category: 'slots',
          enabled: name !== 'withdrawn',
        })),
      )
      .execute();
  }

  const tokenFor = async (playerId: string, asset: string, integration: 'hub88' | 'caleta') =>
    orThrow(
      await openGameSession(database.db, {
        playerId,
        playerSessionId: randomUUID(),
        brand: 'aurora',
        integration,
        game: 'slot',
        asset,
      }),
    ).token;

  return {
    app,
    log,
    async player(amount = 10n * euro, { asset = 'EUR', jurisdiction = 'MT' } = {}) {
      const made = await makePlayer(database.db, { currency: asset, jurisdiction });
      if (amount > 0n) await makeDeposit(database.db, made, amount);
      const tokens = {
        hub88: await tokenFor(made.id, asset, 'hub88'),
        caleta: await tokenFor(made.id, asset, 'caleta'),
      };
      return { id: made.id, asset, tokens };
    },
    async call(dialect, call, body, raw = {}) {
      const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
      const signature = raw.signature === undefined ? signatureOf(dialect, bytes) : raw.signature;
      const requestId = randomUUID();
      const method = raw.method ?? 'POST';
      const response = await app.api.request(pathOf[dialect](raw.integration ?? dialect, call), {
        method,
        headers: {
          'x-request-id': requestId,
          ...(raw.contentType === null ? {} : { 'content-type': raw.contentType ?? 'application/json' }),
          ...(signature === null ? {} : { [signatureHeader[dialect]]: signature }),
        },
        ...(method === 'GET' || method === 'HEAD' ? {} : { body: bytes }),
      });
      const text = await response.text();
      const retryAfter = response.headers.get('retry-after');
      return { http: response.status, text, body: objectOf(text), requestId, retryAfter };
    },
    async ledger() {
      const { rows } = await database.ownerPool.query(
        `select (select count(*) from wallet.journal)::text as journals, (select count(*) from wallet.entry)::text as entries,
           (select count(*) from games.round)::text as rounds, (select count(*) from bonus.award)::text as awards,
           (select md5(string_agg(w.player_id || w.asset || w.version || w.cash || w.bonus || w.receivable, ',' order by w.player_id, w.asset))
              from wallet.player_wallet w) as wallets`,
      );
      return rows[0] as Record<string, unknown>;
    },
    async wallet({ id, asset }) {
      const { rows } = await database.pool.query(
        'select cash, bonus, receivable from wallet.player_wallet where player_id = $1 and asset = $2',
        [id, asset],
      );
      const { cash, bonus, receivable } = rows[0] as Record<string, string>;
      return { cash: BigInt(cash ?? 0), bonus: BigInt(bonus ?? 0), receivable: BigInt(receivable ?? 0) };
    },
    close: () => app.close(),
  };
}

function signatureOf(dialect: Dialect, bytes: Buffer): string {
  return dialect.startsWith('a8r')
    ? createHmac('sha256', secret).update(bytes).digest('hex')
    : sign('RSA-SHA256', bytes, caller.privateKey).toString('base64');
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** A bet of one currency unit in the words of the dialect, with the ids that tell it apart. */
export function betBody(
  dialect: Dialect,
  player: DoorPlayer,
  more: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  const common = { currency: player.asset };
  switch (dialect) {
    case 'hub88':
    case 'caleta':
      return {
        ...common,
        request_uuid: randomUUID(),
        transaction_uuid: randomUUID(),
        token: player.tokens[dialect],
        [dialect === 'hub88' ? 'user' : 'supplier_user']: player.id,
        game_code: gameOf(dialect),
        round: randomUUID(),
        round_closed: false,
        amount: 100_000,
        is_free: false,
        ...more,
      };
    case 'a8r-v2':
      return {
        ...common,
        player_id: player.id,
        round_id: randomUUID(),
        game_id: gameOf(dialect),
        provider: 'acme',
        transactions: [{ id: randomUUID(), type: 'bet', amount: '1' }],
        ...more,
      };
    case 'a8r-v1':
      return {
        ...common,
        user_id: player.id,
        game: gameOf(dialect),
        game_id: randomUUID(),
        finished: false,
        session_id: 'theirs',
        actions: [{ action: 'bet', action_id: randomUUID(), amount: 100 }],
        ...more,
      };
  }
}

export const betCallOf: Readonly<Record<Dialect, string>> = {
  hub88: 'transaction/bet',
  caleta: 'wallet/bet',
  'a8r-v2': 'Round/BetWin',
  'a8r-v1': 'play',
};
