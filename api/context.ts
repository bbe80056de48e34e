/** What handlers find in their context, and what the API process gives to its routes. */
import type { Hook } from '@hono/zod-openapi';
import type { ClickHouseClient } from '@clickhouse/client';
import type { Client } from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';
import type { Logger } from 'pino';
import type { Database } from '#db/connect.ts';
import type { News } from '#db/news.ts';
import type { OperatorId, PlayerId, SessionId } from '#domain/ids.ts';
import type { GameProviders } from '#activities/games/providers.ts';
import type { KeyRing } from '#activities/pam/key-ring.ts';
import type { WalletWriter } from '#activities/wallet/writer.ts';
import type { Config } from '#workers/config.ts';
import type { Metrics } from '#workers/metrics.ts';
import { answerProblem } from './problem.ts';

export type PlayerIdentity = {
  readonly playerId: PlayerId;
  readonly sessionId: SessionId;
  readonly brand: string;
  readonly jurisdiction: string;
};

export type OperatorIdentity = {
  readonly operatorId: OperatorId;
  readonly roles: readonly string[];
  /** Brands that the operator may see; '*' is all. */
  readonly brands: readonly string[];
};

export type ApiEnv = {
  Variables: {
    requestId: string;
    /** The process's logger; a request's own is made by `logOf` when it has something to say. */
    processLog: Logger;
    log?: Logger;
    /** Noted by `noteClientAddress`; null where there is no socket. */
    clientAddress?: string | null;
    /** Set by the player guard. */
    player: PlayerIdentity;
    /** Set by the operator guard. */
    operator: OperatorIdentity;
  };
};

export type ApiDeps = {
  readonly config: Config;
  /** Writer role: reads of money, limits and exclusions must come from the primary. */
  readonly db: Database;
  /** Reader role, few connections and statements of at most 20 seconds: what rule authors ask of history. */
  readonly reportDb: Database;
  /** Connections of wallet calls alone: no list or report can keep a bet from its session. */
  readonly playDb: Database;
  readonly wallet: WalletWriter;
  readonly gameProviders: GameProviders;
  readonly keyRing: KeyRing;
  readonly clickhouse: ClickHouseClient;
  /** Throws a `dependency-unavailable` failure while Temporal cannot be reached. */
  readonly temporal: () => Promise<Client>;
  /** Tells of a deposit by its id; without it the workflow's answer is waited for. */
  readonly depositNews?: News;
  readonly metrics: Metrics;
  /** For the Temporal UI; without it the codec routes do not exist. */
  readonly payloadCodec?: PayloadCodec;
  readonly log: Logger;
};

/** Every validation failure of every route answers in the one error shape. */
export const refuseInvalid: Hook<unknown, ApiEnv, string, unknown> = (result, c) => {
  if (result.success) return;
  if (result.target === 'header' && isKeyMissing(result.error.issues, c.req.header('idempotency-key'))) {
    return answerProblem(c, {
      code: 'idempotency-key-missing',
      detail: 'Send an Idempotency-Key: one value per intent, the same one with every repeat.',
    });
  }
  const fields = result.error.issues.flatMap((issue) => {
    const base = issue.path.map((part) => `/${String(part)}`).join('');
    return issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ pointer: `${base}/${key}`, detail: 'unknown key' }))
      : [{ pointer: base || '/', detail: issue.message }];
  });
  return answerProblem(c, {
    code: 'invalid-request',
    detail: `The ${result.target} of the request does not fit its schema.`,
    fields,
  });
};

const isKeyMissing = (
  issues: readonly { readonly path: PropertyKey[] }[],
  key: string | undefined,
): boolean => key === undefined && issues.some(({ path }) => path[0] === 'idempotency-key');
