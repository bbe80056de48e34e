/** Proofs of the ledger over HTTP: checkpoints, inclusion of a journal, consistency of two checkpoints, public keys. */
import { createRoute, z } from '@hono/zod-openapi';
import { findCheckpoint, listCheckpoints, listLogKeys } from '#activities/wallet/log/checkpoints.ts';
import { proveConsistency, proveInclusion, type InclusionProof } from '#activities/wallet/log/proofs.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import type { Api } from '../app.ts';
import { maySee, requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps, OperatorIdentity } from '../context.ts';
import { requirePlayer } from '../pam-guard.ts';
import { problemResponses } from '../problem.ts';
import { pageOf, pageQuery, timestamp } from '../schemas.ts';

const treeSize = z.coerce.number().int().min(1).max(9_007_199_254_740_991);
const base64 = z.string().openapi({ example: 'bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=' });

const checkpointSchema = z
  .strictObject({
    size: z.int().openapi({ description: 'Journals that it covers: the leaves from 0 to size - 1.' }),
    root: base64.openapi({ description: 'Root of the tree of `size` leaves (RFC 6962), base64.' }),
    note: z.string().openapi({
      description: 'The signed note (C2SP tlog-checkpoint), Ed25519; below it the lines of witnesses.',
    }),
    signedAt: timestamp,
  })
  .openapi('LedgerCheckpoint');

const inclusionSchema = z
  .strictObject({
    journalId: z.uuid(),
    index: z.int().openapi({ description: 'Place of the journal in the log, from 0.' }),
    leaf: z.string().openapi({
      description:
        'The journal with its entries as canonical JSON (RFC 8785). SHA-256 over 0x00 and it is leafHash.',
    }),
    leafHash: base64,
    path: z.array(base64).openapi({ description: 'Audit path, from the leaf up (RFC 6962, 2.1.1).' }),
    checkpoint: checkpointSchema,
  })
  .openapi('JournalInclusionProof');

const consistencySchema = z
  .strictObject({
    from: checkpointSchema,
    to: checkpointSchema,
    path: z.array(base64).openapi({ description: 'Consistency proof (RFC 6962, 2.1.2).' }),
  })
  .openapi('LedgerConsistencyProof');

const readFailures = [
  'invalid-request',
  'not-authenticated',
  'session-expired',
  'forbidden',
  'not-found',
  'dependency-unavailable',
] as const;

type Stored = InclusionProof['checkpoint'];
const toApiCheckpoint = ({ size, root, note, signedAt }: Stored) => ({
  size,
  root: root.toString('base64'),
  note,
  signedAt: signedAt.toISOString(),
});
const toApiInclusion = (proof: InclusionProof) => ({
  ...proof,
  path: [...proof.path],
  checkpoint: toApiCheckpoint(proof.checkpoint),
});

export function mountLedgerProofs(api: Api, deps: ApiDeps): void {
  mountKeys(api, deps);
  mountCheckpoints(api, deps);
  mountJournalProofs(api, deps);
  mountConsistency(api, deps);
  mountPlayerProof(api, deps);
}

const staffRoute = (deps: ApiDeps) => ({
  method: 'get' as const,
  tags: ['wallet'],
  security: [{ operatorSession: [] as string[] }],
  middleware: requireOperator(deps, 'wallet:ledger:read'),
});

function mountKeys(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/ledger/keys',
      operationId: 'listLedgerKeys',
      tags: ['wallet'],
      summary: 'Public keys that checkpoints of the ledger are checked with',
      description: 'As verifier keys of signed notes: name, key id and key. Keep a copy of your own.',
      responses: {
        200: {
          description: 'Keys, oldest first',
          content: {
            'application/json': {
              schema: pageOf(
                z.strictObject({ vkey: z.string(), firstUsedAt: timestamp }).openapi('LedgerKey'),
                'LedgerKeys',
              ),
            },
          },
        },
        ...problemResponses('dependency-unavailable'),
      },
    }),
    async (c) => {
      const keys = await listLogKeys(deps.db);
      const items = keys.map(({ vkey, firstUsedAt }) => ({ vkey, firstUsedAt: firstUsedAt.toISOString() }));
      return c.json({ items, next: null }, 200);
    },
  );
}

function mountCheckpoints(api: Api, deps: ApiDeps): void {
  const summary = checkpointSchema.omit({ note: true }).openapi('LedgerCheckpointSummary');
  api.openapi(
    createRoute({
      ...staffRoute(deps),
      path: '/admin/v1/ledger/checkpoints',
      operationId: 'listLedgerCheckpoints',
      summary: 'Signed checkpoints of the ledger, newest first',
      request: {
        query: pageQuery.extend({
          after: z
            .string()
            .regex(/^\d{1,16}$/)
            .optional(),
        }),
      },
      responses: {
        200: {
          description: 'A page',
          content: { 'application/json': { schema: pageOf(summary, 'LedgerCheckpointPage') } },
        },
        ...problemResponses(...readFailures),
      },
    }),
    async (c) => {
      const { limit, after } = c.req.valid('query');
      const rows = await listCheckpoints(deps.db, {
        limit: limit + 1,
        ...(after === undefined ? {} : { before: Number(after) }),
      });
      const items = rows.slice(0, limit).map(({ size, root, signedAt }) => ({
        size,
        root: root.toString('base64'),
        signedAt: signedAt.toISOString(),
      }));
      return c.json({ items, next: rows.length > limit ? String(items.at(-1)?.size) : null }, 200);
    },
  );

  api.openapi(
    createRoute({
      ...staffRoute(deps),
      path: '/admin/v1/ledger/checkpoints/{size}',
      operationId: 'getLedgerCheckpoint',
      summary: 'The checkpoint of a size, or the latest',
      request: {
        params: z.object({
          size: z
            .string()
            .regex(/^(latest|[1-9]\d{0,14})$/)
            .openapi({ example: 'latest', description: '`latest`, or the number of leaves.' }),
        }),
      },
      responses: {
        200: {
          description: 'The signed note',
          content: { 'application/json': { schema: checkpointSchema } },
        },
        ...problemResponses(...readFailures),
      },
    }),
    async (c) => {
      const { size } = c.req.valid('param');
      const found = await findCheckpoint(deps.db, size === 'latest' ? 'latest' : { size: Number(size) });
      if (found === null) throw new FailureError(fail('not-found', 'There is no such checkpoint.').failure);
      return c.json(toApiCheckpoint(found), 200);
    },
  );
}

const proofQuery = z.strictObject({
  size: treeSize.optional().openapi({
    description: 'Size of the checkpoint to prove against; without it the first that covers the journal.',
  }),
});

const inclusionResponses = {
  200: {
    description: 'The proof, with the checkpoint that it leads to',
    content: { 'application/json': { schema: inclusionSchema } },
  },
};

function mountJournalProofs(api: Api, deps: ApiDeps): void {
  const prove = async (
    operator: OperatorIdentity,
    journal: { id: string; brand: string } | undefined,
    size?: number,
  ) => {
    if (!journal || !maySee(operator, journal.brand))
      throw new FailureError(fail('not-found', 'There is no such journal.').failure);
    return toApiInclusion(orThrow(await proveInclusion(deps.db, journal.id, size)));
  };
  const journals = () => deps.db.selectFrom('wallet.journal').select(['id', 'brand']);

  api.openapi(
    createRoute({
      ...staffRoute(deps),
      path: '/admin/v1/ledger/proofs/journals/{journalId}',
      operationId: 'proveJournal',
      summary: 'Inclusion proof of a journal',
      request: { params: z.object({ journalId: z.uuid() }), query: proofQuery },
      responses: { ...inclusionResponses, ...problemResponses(...readFailures, 'proof-pending') },
    }),
    async (c) => {
      const { journalId } = c.req.valid('param');
      const journal = await journals().where('id', '=', journalId).executeTakeFirst();
      return c.json(await prove(c.get('operator'), journal, c.req.valid('query').size), 200);
    },
  );

  api.openapi(
    createRoute({
      ...staffRoute(deps),
      path: '/admin/v1/ledger/proofs/journals/{integration}/{externalId}',
      operationId: 'proveTransaction',
      summary: 'Inclusion proof of the journal of an external transaction id',
      request: {
        params: z.object({ integration: z.string().max(40), externalId: z.string().max(255) }),
        query: proofQuery,
      },
      responses: { ...inclusionResponses, ...problemResponses(...readFailures, 'proof-pending') },
    }),
    async (c) => {
      const { integration, externalId } = c.req.valid('param');
      const journal = await journals()
        .where('integration', '=', integration)
        .where('externalId', '=', externalId)
        .executeTakeFirst();
      return c.json(await prove(c.get('operator'), journal, c.req.valid('query').size), 200);
    },
  );
}

function mountConsistency(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      ...staffRoute(deps),
      path: '/admin/v1/ledger/proofs/consistency',
      operationId: 'proveLedgerConsistency',
      summary:
        'Proof that one checkpoint continues another: nothing before it was changed, removed or put in',
      request: { query: z.strictObject({ from: treeSize, to: treeSize }) },
      responses: {
        200: {
          description: 'The proof, with both checkpoints',
          content: { 'application/json': { schema: consistencySchema } },
        },
        ...problemResponses(...readFailures),
      },
    }),
    async (c) => {
      const { from, to } = c.req.valid('query');
      const proof = orThrow(await proveConsistency(deps.db, from, to));
      return c.json(
        { from: toApiCheckpoint(proof.from), to: toApiCheckpoint(proof.to), path: [...proof.path] },
        200,
      );
    },
  );
}

function mountPlayerProof(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/wallet/journals/{journalId}/proof',
      operationId: 'proveMyJournal',
      tags: ['wallet'],
      summary: 'Proof that one of the signed-in player’s own journals is in the signed ledger',
      security: [{ playerSession: [] }],
      middleware: [requirePlayer(deps)] as const,
      request: { params: z.object({ journalId: z.uuid() }), query: proofQuery },
      responses: {
        ...inclusionResponses,
        ...problemResponses(
          'invalid-request',
          'not-authenticated',
          'session-expired',
          'not-found',
          'proof-pending',
          'dependency-unavailable',
        ),
      },
    }),
    async (c) => {
      const journal = await deps.db
        .selectFrom('wallet.journal')
        .select('id')
        .where('id', '=', c.req.valid('param').journalId)
        .where('playerId', '=', c.get('player').playerId)
        .executeTakeFirst();
      if (!journal) throw new FailureError(fail('not-found', 'There is no such journal.').failure);
      const proof = orThrow(await proveInclusion(deps.db, journal.id, c.req.valid('query').size));
      return c.json(toApiInclusion(proof), 200);
    },
  );
}
