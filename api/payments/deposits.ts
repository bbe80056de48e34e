/** The player's deposits. */
import { recordKeyedReturn } from '#activities/payments/commands/record-return.ts';
import { requestDeposit } from '#activities/payments/commands/request-deposit.ts';
import { depositInputOf, type DepositRow } from '#activities/payments/payment-rows.ts';
import { readDepositMethods } from '#activities/payments/deposit-methods.ts';
import type { Database } from '#db/connect.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import type { Api } from '../app.ts';
import type { ApiDeps } from '../context.ts';
import { actKeyOf, idFromKey, requestFingerprint } from '../idempotency.ts';
import { olderThan, pageById } from '../keyset.ts';
import { clientAddress } from '../request-origin.ts';
import {
  completeRoute,
  instrumentsRoute,
  listRoute,
  methodsRoute,
  readRoute,
  requestRoute,
} from './deposit-routes.ts';
import { decided } from '../wallet/decided.ts';
import { toApiMethod } from './method-schemas.ts';
import { toApiDeposit, toApiInstrument } from './payment-schemas.ts';
import { resumeDeposit, runDeposit } from './run-payments.ts';

export function mountDeposits(api: Api, deps: ApiDeps): void {
  api.openapi(requestRoute(deps), async (c) => {
    const { playerId, brand, jurisdiction, sessionId } = c.var.player;
    const { money, instrument, returnUrl, billingCountry } = c.req.valid('json');
    const request = {
      depositId: idFromKey('deposit', playerId, c.req.valid('header')['idempotency-key']),
      playerId,
      brand,
      jurisdiction,
      money,
      ...(instrument.kind === 'card'
        ? { tokens: instrument.tokens }
        : { method: 'e-wallet' as const, tokens: [], wallet: instrument.wallet }),
      returnUrl,
      fingerprint: requestFingerprint({ money, instrument, returnUrl, billingCountry }),
      ...(billingCountry === undefined ? {} : { billingCountry }),
      origin: { sessionId, ip: clientAddress(c) },
    };
    let running: Promise<void> | undefined;
    const row = orThrow(
      await requestDeposit(
        deps.db,
        request,
        (planned) => {
          running = runDeposit(deps, planned);
          // Where the row is refused after all, nobody waits; the workflow ends by itself.
          running.catch(() => {});
        },
        deps.keyRing,
      ),
    );
    if (row.state === 'requested' || row.state === 'processing' || row.state === 'awaiting-action')
      await (running ?? runDeposit(deps, depositInputOf(row)));
    return c.json(await readDeposit(deps.db, row.id, playerId), 200);
  });

  api.openapi(listRoute(deps), async (c) => {
    const { limit, after } = c.req.valid('query');
    const rows = await listDeposits(deps.db, c.var.player.playerId, limit, after);
    const actionUrls = await actionUrlsOf(deps.db, rows.slice(0, limit));
    return c.json(
      pageById(rows, limit, (row) => toApiDeposit(row, actionUrls.get(row.id) ?? null)),
      200,
    );
  });

  api.openapi(methodsRoute(deps), async (c) => {
    const { playerId, brand, jurisdiction } = c.var.player;
    const hasBank = deps.config.bank !== undefined;
    const crypto = deps.config.evm;
    const origin = { sessionId: c.var.player.sessionId, ip: clientAddress(c) };
    const question = { playerId, brand, jurisdiction, hasBank, origin, ...(crypto && { crypto }) };
    const methods = await readDepositMethods(deps.db, question);
    const items = methods.filter(({ missing }) => missing === null).map(toApiMethod);
    return c.json({ items }, 200);
  });

  api.openapi(instrumentsRoute(deps), async (c) => {
    const rows = await deps.db
      .selectFrom('payments.instrument')
      .selectAll()
      .where('playerId', '=', c.var.player.playerId)
      .orderBy('createdAt', 'desc')
      .limit(50)
      .execute();
    return c.json({ items: rows.map(toApiInstrument) }, 200);
  });

  api.openapi(readRoute(deps), async (c) =>
    c.json(await readDeposit(deps.db, c.req.valid('param').id, c.var.player.playerId), 200),
  );

  api.openapi(completeRoute(deps), async (c) => {
    const { id } = c.req.valid('param');
    const { playerId } = c.var.player;
    const input = c.req.valid('json');
    const given = Object.entries(input).filter((pair): pair is [string, string] => pair[1] !== undefined);
    const key = actKeyOf('deposit-return', playerId, c.req.valid('header')['idempotency-key'], {
      depositId: id,
      ...input,
    });
    const parameters = Object.fromEntries(given);
    const { isOpen } = await decided(deps.db, (trx) =>
      recordKeyedReturn(trx, { depositId: id, playerId, parameters, key }),
    );
    if (isOpen) await resumeDeposit(deps, id);
    return c.json(await readDeposit(deps.db, id, playerId), 200);
  });
}

async function readDeposit(db: Database, id: string, playerId: string) {
  const row = await db
    .selectFrom('payments.deposit')
    // One at most: a deposit has one open attempt.
    .leftJoin('payments.attempt', (join) =>
      join
        .onRef('payments.attempt.depositId', '=', 'payments.deposit.id')
        .on('payments.attempt.state', '=', 'action'),
    )
    .selectAll('payments.deposit')
    .select('payments.attempt.actionUrl')
    .where('payments.deposit.id', '=', id)
    .where('payments.deposit.playerId', '=', playerId)
    .executeTakeFirst();
  if (row === undefined) throw new FailureError(fail('not-found', 'There is no such deposit.').failure);
  return toApiDeposit(row, row.actionUrl);
}

/** Where the player must go, by deposit. */
async function actionUrlsOf(
  db: Database,
  rows: readonly DepositRow[],
): Promise<ReadonlyMap<string, string | null>> {
  const waiting = rows.filter(({ state }) => state === 'awaiting-action').map(({ id }) => id);
  if (waiting.length === 0) return new Map();
  const attempts = await db
    .selectFrom('payments.attempt')
    .select(['depositId', 'actionUrl'])
    .where('depositId', 'in', waiting)
    .where('state', '=', 'action')
    .execute();
  return new Map(attempts.map(({ depositId, actionUrl }) => [depositId, actionUrl]));
}

/** One more than `limit`, so that the caller sees whether there is a next page. */
const listDeposits = (db: Database, playerId: string, limit: number, after: string | undefined) =>
  db
    .selectFrom('payments.deposit')
    .selectAll()
    .where('playerId', '=', playerId)
    .$if(after !== undefined, (query) =>
      query.where(
        olderThan({ table: 'payments.deposit', column: 'requestedAt', after: after ?? '', playerId }),
      ),
    )
    .orderBy('requestedAt', 'desc')
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute();
