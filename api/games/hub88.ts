/** The wallet calls of Hub88 and Caleta: a thin adapter from the dialect's wire to the one internal command, straight to the wallet. */
import { verify } from 'node:crypto';
import type { z } from 'zod';
import { gameFingerprint } from '#activities/wallet/game-fingerprint.ts';
import { parkLateWin } from '#activities/games/commands/park-late-win.ts';
import { freeStakeOf, rewardTerms } from '#activities/games/reward-terms.ts';
import { rotateGameSession, type GameSession } from '#activities/games/commands/game-sessions.ts';
import type { WalletReply, WalletRefusal } from '#activities/wallet/writer.ts';
import { assets } from '#domain/assets.ts';
import type { Failure, FailureCode, Result } from '#domain/failures.ts';
import { fromHub88Amount, hub88StatusOf, toHub88Amount, type Hub88Status } from '#domain/games/hub88.ts';
import type { GameCommand, RollbackCommand, WinCommand } from '#domain/wallet/commands.ts';
import { isDatabaseUnavailable } from '#db/connect.ts';
import type { ApiDeps } from '../context.ts';
import { mayCallFrom } from './caller-check.ts';
import type { Doors } from './dialect-doors.ts';
import { isReadAsJson, parseExactBody } from './exact-json.ts';
import { caletaDialect, hub88Dialect, withUser, type RsDialect, type RsOperation } from './hub88-dialects.ts';
import { submitFreeWin } from './free-rounds.ts';
import { poolOf, stakeRulesOf } from './game-play-rules.ts';
import { detailsOf } from './call-details.ts';
import { hub88Details, jackpotWinOf } from './hub88-details.ts';
import { readPlayerInfo } from './hub88-player-info.ts';
import { betCall, checkCall, infoCall, rollbackCall, statusOfSchemaError, winCall } from './hub88-schemas.ts';
import { assetOfOriginal } from './original-asset.ts';
import {
  createIntegrationDirectory,
  type Integration,
  type IntegrationDirectory,
} from './integration-directory.ts';
import { jsonAnswer, type WalletAnswer, type WalletCall } from './wallet-call.ts';

/** What a call is answered with; the balance is written as a JSON integer, however large. */
type Answer = { readonly fields: Readonly<Record<string, unknown>>; readonly balance?: bigint };

/** A refusal that is known before the wallet is asked. */
class Refused extends Error {
  readonly status: Hub88Status;
  /** Why, in the platform's words, where the status alone does not say it. */
  readonly code: FailureCode | null;
  /** What the answer shows beside the status. */
  readonly shown: Answer | null;
  constructor(status: Hub88Status, code: FailureCode | null = null, shown: Answer | null = null) {
    super(status);
    this.status = status;
    this.code = code;
    this.shown = shown;
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
export const mountHub88 = (doors: Doors, deps: ApiDeps): void => mountDialect(doors, deps, hub88Dialect);

/** Mounts the calls under /wallet/caleta/{integration}. */
export const mountCaleta = (doors: Doors, deps: ApiDeps): void => mountDialect(doors, deps, caletaDialect);

/** What a call gets that reaches no operation. Every answer is HTTP 200 here, too. */
export const refuseInStatus = (failure: Failure): WalletAnswer =>
  jsonAnswer(JSON.stringify({ status: hub88StatusOf(failure.code) }));

const operations: Readonly<Record<RsOperation, Operation>> = { info, check, balance, bet, win, rollback };

function mountDialect(doors: Doors, deps: ApiDeps, dialect: RsDialect): void {
  const directory = createIntegrationDirectory(deps, dialect.name);
  const service: Service = { dialect, directory, deps };
  for (const [name, operation] of Object.entries(operations) as [RsOperation, Operation][]) {
    const path = dialect.paths[name];
    if (path !== undefined)
      doors.post(`/wallet/${dialect.name}/:integration/${path}`, (call) => answer(call, service, operation));
  }
}

async function answer(given: WalletCall, service: Service, operation: Operation): Promise<WalletAnswer> {
  let requestUuid: string | null = null;
  let source: string | undefined;
  try {
    const integration = await service.directory.integration(given.integration);
    source = integration?.id;
    // Not an answer that ends the retries of a win or a rollback: a network left out of the list loses no money.
    if (!integration || !mayCallFrom(integration, given.address))
      throw new Refused('RS_ERROR_INVALID_PARTNER');
    if (!isSigned(given.body, given.header(service.dialect.signatureHeader), integration))
      throw new Refused('RS_ERROR_INVALID_SIGNATURE');
    if (!isReadAsJson(given.header('content-type'))) throw new Refused('RS_ERROR_WRONG_SYNTAX');
    const body = withUser(service.dialect, parseBody(given.body));
    requestUuid = requestUuidOf(body);
    const { fields, balance: amount } = await operation({ ...service, integration, body });
    return textAnswer({ ...fields, ...(requestUuid === null ? {} : { request_uuid: requestUuid }) }, amount);
  } catch (error) {
    const status = error instanceof Refused ? error.status : 'RS_ERROR_UNKNOWN';
    // The correlation id is ours and the caller's: either finds the other in a support case.
    const log = given.log().child({ requestUuid, dialect: service.dialect.name, integration: source });
    const code = error instanceof Refused ? error.code : null;
    if (status !== 'RS_ERROR_UNKNOWN') log.info({ status, code }, 'wallet call refused');
    else if (error instanceof Refused) log.warn({ status, code }, 'wallet call not decided');
    else if (isDatabaseUnavailable(error)) log.warn('wallet call while the ledger is away');
    else log.error({ error }, 'wallet call failed');
    const { fields, balance: amount } = (error instanceof Refused ? error.shown : null) ?? { fields: {} };
    const echoed = requestUuid === null ? {} : { request_uuid: requestUuid };
    return textAnswer({ status, ...fields, ...echoed }, amount);
  }
}

/** Over the raw bytes, before anything is parsed. */
function isSigned(raw: Buffer, signature: string | undefined, integration: Integration): boolean {
  if (!signature || !/^[A-Za-z0-9+/]+={0,2}$/.test(signature)) return false;
  const bytes = Buffer.from(signature, 'base64');
  return integration.callerKeys.some((key) => verify('RSA-SHA256', raw, key, bytes));
}

function parseBody(raw: Buffer): unknown {
  try {
    return parseExactBody(raw);
  } catch {
    throw new Refused('RS_ERROR_WRONG_SYNTAX');
  }
}

const requestUuidOf = (body: unknown): string | null => {
  const given =
    typeof body === 'object' && body !== null && 'request_uuid' in body ? body.request_uuid : null;
  return typeof given === 'string' ? given.slice(0, 64) : null;
};

function textAnswer(fields: Readonly<Record<string, unknown>>, balance?: bigint): WalletAnswer {
  const text = JSON.stringify(fields);
  // JSON.stringify knows no integers beyond 2^53, and balances reach them.
  const body = balance === undefined ? text : `${text.slice(0, -1)},"balance":${balance}}`;
  return jsonAnswer(body);
}

function parsed<T extends z.ZodType>(schema: T, body: unknown): z.infer<T> {
  const result = schema.safeParse(body, { reportInput: true });
  if (!result.success) throw new Refused(statusOfSchemaError(result.error));
  return result.data;
}

async function info({ deps, integration, body }: Call): Promise<Answer> {
  const { user } = parsed(infoCall, body);
  const player = await readPlayerInfo(deps.db, integration.brand, user);
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
  if (!integration.tokensRotate && session.expiresAtMs <= (await deps.wallet.nowMs()))
    throw new Refused('RS_ERROR_TOKEN_EXPIRED');
  if (!integration.games.has(call.game_code)) throw new Refused('RS_ERROR_INVALID_GAME');
  const result = await deps.wallet.balance(session);
  if (!result.ok) throw new Refused(hub88StatusOf(result.failure.code), result.failure.code);
  return success(session, result.value);
}

async function bet(caller: Call): Promise<Answer> {
  const { integration, directory, body } = caller;
  const call = parsed(betCall, body);
  const session = await sessionOf(directory, integration, call.token, call.user);
  const game = integration.games.get(call.game_code);
  if (!game) throw new Refused('RS_ERROR_INVALID_GAME');
  if (call.currency !== session.asset) throw new Refused('RS_ERROR_WRONG_CURRENCY');
  const wireAmount = fromHub88Amount(call.amount, scaleOf(session.asset));
  const isPromo = call.is_supplier_promo === true;
  const isFree = call.is_free || isPromo;
  return submit(caller, session, {
    kind: 'bet',
    ...factsOf(integration, session, call, { kind: 'bet', amount: wireAmount, reference: null }),
    // A promotional bet is recorded and touches no money of the player.
    amount: isFree ? 0n : wireAmount,
    isFree,
    // A withdrawn game takes no new stakes; what it took before is still answered for.
    isGameOpen: game.enabled,
    // A supplier's promotion may outlive the sitting that it was won in.
    sessionIssuedAtMs: isPromo ? Number.POSITIVE_INFINITY : session.issuedAtMs,
    sessionExpiresAtMs: isPromo ? Number.POSITIVE_INFINITY : session.expiresAtMs,
    contributionBps: game.contributionBps,
    ...stakeRulesOf(integration.playRules, call.game_code),
    details: hub88Details(call, { stake: isFree ? wireAmount : null, jackpot: null }),
  });
}

async function win(caller: Call): Promise<Answer> {
  const { integration, directory, body } = caller;
  const call = parsed(winCall, body);
  const sitting = await sittingOf(directory, integration, call.token, call.user);
  if (!integration.games.has(call.game_code)) throw new Refused('RS_ERROR_INVALID_GAME');
  // The call says what it pays in; the token may be of a sitting in another currency.
  const session = { ...sitting, asset: call.currency };
  if (!assets.has(session.asset)) throw new Refused('RS_ERROR_WRONG_CURRENCY');
  const amount = fromHub88Amount(call.amount, scaleOf(session.asset));
  const reference = call.reference_transaction_uuid ?? null;
  const jackpotWin = jackpotWinOf(call, amount, session.asset, poolOf(integration.playRules, call.game_code));
  const command = {
    kind: 'win',
    ...factsOf(integration, session, call, { kind: 'win', amount, reference }),
    amount,
    betExternalId: reference,
    jackpotWin,
    details: hub88Details(call, { stake: null, jackpot: jackpotWin }),
  } as const;
  const result = await submitWin(caller, command, call);
  // A win whose stake we gave back ourselves is kept for a person before the answer ends the caller's retries.
  if (!result.ok && result.failure.code === 'stake-returned') await parkLateWin(caller.deps.db, command);
  if (!result.ok && result.failure.code === 'wallet-not-found' && session.asset !== sitting.asset)
    throw new Refused('RS_ERROR_WRONG_CURRENCY', result.failure.code);
  return answerOf(caller, session, result);
}

/** Winnings of a free round are paid under the terms of the reward that they or their bet name, where it is one of ours. */
async function submitWin(
  { deps }: Call,
  command: WinCommand,
  call: z.infer<typeof winCall>,
): Promise<Result<WalletReply, WalletRefusal>> {
  const isPromo = call.is_supplier_promo === true;
  if (!call.is_free && !isPromo) return deps.wallet.submit(command);
  const { integration } = command.key;
  const { playerId, asset, betExternalId } = command;
  const rewardId = isPromo
    ? null
    : (call.reward_uuid ??
      (await freeStakeOf(deps.db, { integration, playerId }, betExternalId))?.rewardId ??
      null);
  const terms =
    rewardId === null ? null : await rewardTerms(deps.db, { integration, playerId, asset, rewardId });
  return submitFreeWin(deps, command, terms);
}

async function rollback(caller: Call): Promise<Answer> {
  const { integration, directory, deps, body } = caller;
  const call = parsed(rollbackCall, body);
  const sitting = await sittingOf(directory, integration, call.token, call.user ?? null);
  if (!integration.games.has(call.game_code)) throw new Refused('RS_ERROR_INVALID_GAME');
  const reference = call.reference_transaction_uuid;
  const commandIn = (asset: string): RollbackCommand => ({
    kind: 'rollback',
    ...factsOf(integration, { ...sitting, asset }, call, { kind: 'rollback', amount: 0n, reference }),
    originalExternalId: reference,
    details: detailsOf({ free: null, jackpot: null, wire: { meta: call['meta'] } }),
  });
  const result = await deps.wallet.submit(commandIn(sitting.asset));
  if (result.ok || result.failure.code !== 'duplicate-transaction') return answerOf(caller, sitting, result);
  // Looked for only now: nearly every rollback comes under the token of its bet, and one that races its bet finds it.
  const original = { integration: integration.id, externalId: reference };
  const asset = await assetOfOriginal(deps.db, original, sitting.playerId);
  if (asset === null || asset === sitting.asset) return answerOf(caller, sitting, result);
  return answerOf(caller, { ...sitting, asset }, await deps.wallet.submit(commandIn(asset)));
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

const playerIdForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Whose win or rollback a call is. The token needs only to have existed, since a refusal would end the caller's
 * retries: where it is another player's, the player that the call names is meant.
 */
async function sittingOf(
  directory: IntegrationDirectory,
  integration: Integration,
  token: string,
  user: string | null,
): Promise<GameSession> {
  const session = await sessionOf(directory, integration, token, null);
  if (user === null || user === session.playerId) return session;
  const isOurs =
    playerIdForm.test(user) && (await directory.player(integration.brand, user, session.asset)) !== null;
  if (!isOurs) throw new Refused('RS_ERROR_INVALID_TOKEN');
  return { ...session, playerId: user };
}

type TransactionCall = {
  readonly request_uuid: string;
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
    callId: call.request_uuid.toLowerCase(),
  };
}

const submit = async (caller: Call, session: GameSession, command: GameCommand): Promise<Answer> =>
  answerOf(caller, session, await caller.deps.wallet.submit(command));

function answerOf(
  { dialect, integration }: Call,
  session: GameSession,
  result: Result<WalletReply, WalletRefusal>,
): Answer {
  if (result.ok) return success(session, result.value.balance);
  const status = hub88StatusOf(result.failure.code, dialect.limitStatus);
  const { code, balance: left } = result.failure;
  const isShown =
    status === 'RS_ERROR_NOT_ENOUGH_MONEY' &&
    dialect.mayShowBalanceOnErrors &&
    integration.balanceOnInsufficientFunds &&
    left !== null;
  throw new Refused(status, code, isShown ? shownTo(session, left) : null);
}

const shownTo = ({ playerId, asset }: GameSession, units: bigint): Answer => ({
  fields: { user: playerId, currency: asset },
  balance: toHub88Amount(units, scaleOf(asset)),
});

const success = (session: GameSession, units: bigint): Answer => ({
  fields: { user: session.playerId, status: 'RS_OK', currency: session.asset },
  balance: toHub88Amount(units, scaleOf(session.asset)),
});

const scaleOf = (asset: string): number => assets.get(asset)?.ledgerScale ?? 12;
