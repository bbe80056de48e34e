/** The wallet calls of Hub88 and Caleta: a thin adapter from the dialect's wire to the one internal command, straight to the wallet. */
import { verify } from 'node:crypto';
import type { Context } from 'hono';
import type { z } from 'zod';
import { gameFingerprint } from '#activities/wallet/game-fingerprint.ts';
import { rotateGameSession, type GameSession } from '#activities/games/commands/game-sessions.ts';
import type { WalletReply, WalletRefusal } from '#activities/wallet/writer.ts';
import { assets } from '#domain/assets.ts';
import type { Result } from '#domain/failures.ts';
import { fromHub88Amount, hub88StatusOf, toHub88Amount, type Hub88Status } from '#domain/games/hub88.ts';
import type { GameCommand } from '#domain/wallet/commands.ts';
import { isDatabaseUnavailable } from '#db/connect.ts';
import type { Api } from '../app.ts';
import type { ApiDeps, ApiEnv } from '../context.ts';
import { clientAddress } from '../request-origin.ts';
import { mayCallFrom } from './caller-check.ts';
import { parseExactJson } from './exact-json.ts';
import { caletaDialect, hub88Dialect, withUser, type RsDialect, type RsOperation } from './hub88-dialects.ts';
import { readPlayerInfo } from './hub88-player-info.ts';
import { betCall, checkCall, infoCall, rollbackCall, statusOfSchemaError, winCall } from './hub88-schemas.ts';
import {
  createIntegrationDirectory,
  type Integration,
  type IntegrationDirectory,
} from './integration-directory.ts';

/** What a call is answered with; the balance is written as a JSON integer, however large. */
type Answer = { readonly fields: Readonly<Record<string, unknown>>; readonly balance?: bigint };

/** A refusal that is known before the wallet is asked. */
class Refused extends Error {
  readonly status: Hub88Status;
  constructor(status: Hub88Status) {
    super(status);
    this.status = status;
  }
}

type Service = {
  readonly dialect: RsDialect;
  readonly directory: IntegrationDirectory;
  readonly deps: ApiDeps;
};
type Call = Service & { readonly integration: Integration; readonly body: unknown };
type Operation = (call: Call) => Promise<Answer>;

/** Mounts the calls under /wallet/hub88/{integration}. Every answer is HTTP 200: the status field decides. */
export const mountHub88 = (api: Api, deps: ApiDeps): void => mountDialect(api, deps, hub88Dialect);

/** Mounts the calls under /wallet/caleta/{integration}. */
export const mountCaleta = (api: Api, deps: ApiDeps): void => mountDialect(api, deps, caletaDialect);

const operations: Readonly<Record<RsOperation, Operation>> = { info, check, balance, bet, win, rollback };

function mountDialect(api: Api, deps: ApiDeps, dialect: RsDialect): void {
  const directory = createIntegrationDirectory(deps, dialect.name);
  const service: Service = { dialect, directory, deps };
  for (const [name, operation] of Object.entries(operations) as [RsOperation, Operation][]) {
    const path = dialect.paths[name];
    if (path !== undefined)
      api.post(`/wallet/${dialect.name}/:integration/${path}`, (c) => answer(c, service, operation));
  }
}

async function answer(c: Context<ApiEnv>, service: Service, operation: Operation): Promise<Response> {
  let requestUuid: string | null = null;
  try {
    const integration = await service.directory.integration(c.req.param('integration') ?? '');
    // Not an answer that ends the retries of a win or a rollback: a network left out of the list loses no money.
    if (!integration || !mayCallFrom(integration, clientAddress(c)))
      throw new Refused('RS_ERROR_INVALID_PARTNER');
    const raw = Buffer.from(await c.req.arrayBuffer());
    if (!isSigned(raw, c.req.header(service.dialect.signatureHeader), integration))
      throw new Refused('RS_ERROR_INVALID_SIGNATURE');
    const body = withUser(service.dialect, parseBody(raw));
    requestUuid = requestUuidOf(body);
    const { fields, balance: amount } = await operation({ ...service, integration, body });
    return respond(c, { ...fields, ...(requestUuid === null ? {} : { request_uuid: requestUuid }) }, amount);
  } catch (error) {
    const status = error instanceof Refused ? error.status : 'RS_ERROR_UNKNOWN';
    // The correlation id is ours and the caller's: either finds the other in a support case.
    const log = c.get('log').child({ requestUuid, dialect: service.dialect.name });
    if (status !== 'RS_ERROR_UNKNOWN') log.info({ status }, 'wallet call refused');
    else if (isDatabaseUnavailable(error)) log.warn('wallet call while the ledger is away');
    else log.error({ error }, 'wallet call failed');
    return respond(c, { status, ...(requestUuid === null ? {} : { request_uuid: requestUuid }) });
  }
}

/** Over the raw bytes, before anything is parsed. */
function isSigned(raw: Buffer, signature: string | undefined, integration: Integration): boolean {
  if (!signature || !/^[A-Za-z0-9+/]+={0,2}$/.test(signature)) return false;
  const bytes = Buffer.from(signature, 'base64');
  return integration.callerKeys.some((key) => verify('RSA-SHA256', raw, key, bytes));
}

/** Bytes that are no UTF-8 are refused: read leniently, two ids could become one. */
function parseBody(raw: Buffer): unknown {
  try {
    return parseExactJson(new TextDecoder('utf-8', { fatal: true }).decode(raw));
  } catch {
    throw new Refused('RS_ERROR_WRONG_SYNTAX');
  }
}

const requestUuidOf = (body: unknown): string | null => {
  const given =
    typeof body === 'object' && body !== null && 'request_uuid' in body ? body.request_uuid : null;
  return typeof given === 'string' ? given.slice(0, 64) : null;
};

function respond(c: Context, fields: Readonly<Record<string, unknown>>, balance?: bigint): Response {
  const text = JSON.stringify(fields);
  // JSON.stringify knows no integers beyond 2^53, and balances reach them.
  const body = balance === undefined ? text : `${text.slice(0, -1)},"balance":${balance}}`;
  return c.body(body, 200, { 'content-type': 'application/json; charset=utf-8' });
}

function parsed<T extends z.ZodType>(schema: T, body: unknown): z.infer<T> {
  const result = schema.safeParse(body, { reportInput: true });
  if (!result.success) throw new Refused(statusOfSchemaError(result.error));
  return result.data;
}

async function info({ deps, body }: Call): Promise<Answer> {
  const { user } = parsed(infoCall, body);
  const player = await readPlayerInfo(deps.db, user);
  if (!player) throw new Refused('RS_ERROR_INVALID_TOKEN');
  return { fields: { user, status: 'RS_OK', ...player } };
}

/** The old token ends for bets; what it has staked settles under either. */
async function check({ integration, directory, deps, body }: Call): Promise<Answer> {
  const { token } = parsed(checkCall, body);
  if (!integration.tokensRotate) {
    await sessionOf(directory, integration, token, null);
    return { fields: { token } };
  }
  const rotated = await rotateGameSession(deps.db, {
    integration: integration.id,
    brand: integration.brand,
    token,
  });
  if (!rotated.ok) throw new Refused(hub88StatusOf(rotated.failure.code));
  return { fields: { token: rotated.value.token } };
}

async function balance({ dialect, integration, directory, deps, body }: Call): Promise<Answer> {
  const call = parsed(dialect.balanceCall, body);
  const session = await sessionOf(directory, integration, call.token, call.user ?? null);
  if (!integration.tokensRotate && session.expiresAtMs <= Date.now())
    throw new Refused('RS_ERROR_TOKEN_EXPIRED');
  if (!integration.games.has(call.game_code)) throw new Refused('RS_ERROR_INVALID_GAME');
  const result = await deps.wallet.balance(session);
  if (!result.ok) throw new Refused(hub88StatusOf(result.failure.code));
  return success(session, result.value);
}

async function bet(caller: Call): Promise<Answer> {
  const { integration, directory, body } = caller;
  const call = parsed(betCall, body);
  const session = await sessionOf(directory, integration, call.token, call.user);
  const game = integration.games.get(call.game_code);
  // A withdrawn game takes no new stakes; its wins and rollbacks still settle.
  if (!game?.enabled) throw new Refused('RS_ERROR_INVALID_GAME');
  if (call.currency !== session.asset) throw new Refused('RS_ERROR_WRONG_CURRENCY');
  const wireAmount = fromHub88Amount(call.amount, scaleOf(session.asset));
  return submit(caller, session, {
    kind: 'bet',
    ...factsOf(integration, session, call, { kind: 'bet', amount: wireAmount, reference: null }),
    // A promotional bet is recorded and touches no money of the player.
    amount: call.is_free ? 0n : wireAmount,
    sessionIssuedAtMs: session.issuedAtMs,
    sessionExpiresAtMs: session.expiresAtMs,
    contributionBps: game.contributionBps,
  });
}

async function win(caller: Call): Promise<Answer> {
  const { integration, directory, body } = caller;
  const call = parsed(winCall, body);
  const session = await sessionOf(directory, integration, call.token, call.user);
  if (!integration.games.has(call.game_code)) throw new Refused('RS_ERROR_INVALID_GAME');
  if (call.currency !== session.asset) throw new Refused('RS_ERROR_WRONG_CURRENCY');
  const amount = fromHub88Amount(call.amount, scaleOf(session.asset));
  const reference = call.reference_transaction_uuid;
  return submit(caller, session, {
    kind: 'win',
    ...factsOf(integration, session, call, { kind: 'win', amount, reference }),
    amount,
    betExternalId: reference,
  });
}

async function rollback(caller: Call): Promise<Answer> {
  const { integration, directory, body } = caller;
  const call = parsed(rollbackCall, body);
  const session = await sessionOf(directory, integration, call.token, call.user ?? null);
  if (!integration.games.has(call.game_code)) throw new Refused('RS_ERROR_INVALID_GAME');
  const reference = call.reference_transaction_uuid;
  return submit(caller, session, {
    kind: 'rollback',
    ...factsOf(integration, session, call, { kind: 'rollback', amount: 0n, reference }),
    originalExternalId: reference,
  });
}

/** The session of a token. Expiry is not looked at here, since wins and rollbacks outlive it. */
async function sessionOf(
  directory: IntegrationDirectory,
  integration: Integration,
  token: string,
  user: string | null,
): Promise<GameSession> {
  const session = await directory.session(integration.id, token);
  if (!session || (user !== null && user !== session.playerId)) throw new Refused('RS_ERROR_INVALID_TOKEN');
  return session;
}

type TransactionCall = {
  readonly transaction_uuid: string;
  readonly game_code: string;
  readonly round: string;
  readonly round_closed: boolean;
};

function factsOf(
  integration: Integration,
  session: GameSession,
  call: TransactionCall,
  meaning: { kind: GameCommand['kind']; amount: bigint; reference: string | null },
) {
  const { playerId, asset } = session;
  const { game_code: game, round } = call;
  return {
    key: { integration: integration.id, externalId: call.transaction_uuid },
    playerId,
    asset,
    game,
    round,
    roundClosed: call.round_closed,
    guardMs: integration.games.get(game)?.guardMs ?? 0,
    fingerprint: gameFingerprint({ ...meaning, playerId, game, round, asset }),
  };
}

async function submit(
  { dialect, deps, integration }: Call,
  session: GameSession,
  command: GameCommand,
): Promise<Answer> {
  const result: Result<WalletReply, WalletRefusal> = await deps.wallet.submit(command);
  if (result.ok) return success(session, result.value.balance);
  const status = hub88StatusOf(result.failure.code, dialect.limitStatus);
  if (status !== 'RS_ERROR_NOT_ENOUGH_MONEY') throw new Refused(status);
  const shown =
    dialect.mayShowBalanceOnErrors && integration.balanceOnInsufficientFunds ? result.failure.balance : null;
  return {
    fields: { status, ...(shown === null ? {} : { user: session.playerId, currency: session.asset }) },
    ...(shown === null ? {} : { balance: toHub88Amount(shown, scaleOf(session.asset)) }),
  };
}

const success = (session: GameSession, units: bigint): Answer => ({
  fields: { user: session.playerId, status: 'RS_OK', currency: session.asset },
  balance: toHub88Amount(units, scaleOf(session.asset)),
});

const scaleOf = (asset: string): number => assets.get(asset)?.ledgerScale ?? 12;
