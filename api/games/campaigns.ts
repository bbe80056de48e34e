/** What providers with prepaid free rounds offer: the offers, and campaigns made of them. */
import { createRoute, z } from '@hono/zod-openapi';
import {
  createCampaign,
  listCampaigns,
  listPrepaids,
  readCampaign,
} from '#activities/games/commands/campaigns.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import { parsePayable } from '#domain/money.ts';
import type { Api } from '../app.ts';
import { requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { idempotencyHeader, idFromKey, requestFingerprint } from '../idempotency.ts';
import { problemResponses } from '../problem.ts';
import { pageOf, timestamp } from '../schemas.ts';
import { guardedAnswers, integrationId, integrationParam, reasonText } from './integration-schemas.ts';
import { visibleIntegration } from './integrations.ts';

const asset = z
  .string()
  .regex(/^[A-Z]{3,10}$/)
  .openapi({ example: 'EUR' });

const prepaidSchema = z
  .strictObject({
    id: z.string(),
    game: z.string().nullable(),
    asset: z.string(),
    betValue: z.string().nullable().openapi({ description: 'Null where the order says it.' }),
    count: z.int().nullable().openapi({ description: 'Null where the order says it.' }),
  })
  .openapi('Prepaid');

const campaignSchema = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    prepaidId: z.string(),
    asset: z.string(),
    betValue: z.string().nullable(),
    count: z.int().nullable(),
    startsAt: z.string(),
    endsAt: z.string(),
    status: z.string().nullable(),
  })
  .openapi('FreeRoundsCampaign');

const creation = z
  .strictObject({
    name: z.string().trim().min(1).max(100),
    prepaidId: z.string().min(1).max(255),
    asset,
    betValue: z
      .string()
      .regex(/^\d{1,12}(\.\d{1,5})?$/)
      .optional()
      .openapi({ example: '0.20' }),
    count: z.int().min(1).max(1_000).optional(),
    startsAt: timestamp,
    endsAt: timestamp,
    reason: reasonText,
  })
  .openapi('FreeRoundsCampaignCreation');

const providerAnswers = [
  'provider-refused',
  'provider-lacks-feature',
  'not-found',
  ...guardedAnswers,
] as const;

export function mountCampaigns(api: Api, deps: ApiDeps): void {
  mountPrepaids(api, deps);
  mountReads(api, deps);
  mountCreation(api, deps);
}

function mountPrepaids(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/integrations/{id}/prepaids',
      operationId: 'listPrepaids',
      tags: ['games'],
      summary: 'Prepaid offers of free rounds, as the provider has them now',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'games:free-rounds:read')] as const,
      request: {
        params: integrationParam,
        query: z.strictObject({ game: z.string().min(1).max(255).optional(), asset: asset.optional() }),
      },
      responses: {
        200: {
          description: 'Offers',
          content: { 'application/json': { schema: pageOf(prepaidSchema, 'PrepaidPage') } },
        },
        ...problemResponses('invalid-request', ...providerAnswers),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const { game, asset: code } = c.req.valid('query');
      await visibleIntegration(deps, c.get('operator'), id);
      const filter = {
        ...(game === undefined ? {} : { game }),
        ...(code === undefined ? {} : { asset: code }),
      };
      const items = orThrow(await listPrepaids(deps.gameProviders, id, filter));
      return c.json({ items: [...items], next: null }, 200);
    },
  );
}

function mountReads(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/integrations/{id}/campaigns',
      operationId: 'listFreeRoundsCampaigns',
      tags: ['games'],
      summary: 'Campaigns, as the provider has them now',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'games:free-rounds:read')] as const,
      request: { params: integrationParam },
      responses: {
        200: {
          description: 'Campaigns',
          content: { 'application/json': { schema: pageOf(campaignSchema, 'FreeRoundsCampaignPage') } },
        },
        ...problemResponses('invalid-request', ...providerAnswers),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      await visibleIntegration(deps, c.get('operator'), id);
      const items = orThrow(await listCampaigns(deps.gameProviders, id));
      return c.json({ items: [...items], next: null }, 200);
    },
  );

  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/integrations/{id}/campaigns/{campaign}',
      operationId: 'readFreeRoundsCampaign',
      tags: ['games'],
      summary: 'One campaign, as the provider has it now',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'games:free-rounds:read')] as const,
      request: { params: z.object({ id: integrationId, campaign: z.string().min(1).max(255) }) },
      responses: {
        200: { description: 'The campaign', content: { 'application/json': { schema: campaignSchema } } },
        ...problemResponses('invalid-request', ...providerAnswers),
      },
    }),
    async (c) => {
      const { id, campaign } = c.req.valid('param');
      await visibleIntegration(deps, c.get('operator'), id);
      return c.json(orThrow(await readCampaign(deps.gameProviders, id, campaign)), 200);
    },
  );
}

function mountCreation(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'post',
      path: '/admin/v1/integrations/{id}/campaigns',
      operationId: 'createFreeRoundsCampaign',
      tags: ['games'],
      summary: 'Make a campaign at the provider; asked once for each key',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'games:free-rounds:grant')] as const,
      request: {
        params: integrationParam,
        headers: idempotencyHeader,
        body: { required: true, content: { 'application/json': { schema: creation } } },
      },
      responses: {
        201: {
          description: 'Made, or made before with this key',
          content: {
            'application/json': {
              schema: z.strictObject({ campaignId: z.string() }).openapi('CreatedFreeRoundsCampaign'),
            },
          },
        },
        ...problemResponses(
          'invalid-request',
          'unknown-asset',
          'amount-not-positive',
          'amount-too-precise',
          'amount-too-large',
          'idempotency-key-reused',
          ...providerAnswers,
        ),
      },
    }),
    async (c) => {
      const { id: integration } = c.req.valid('param');
      const { reason, ...body } = c.req.valid('json');
      const operator = c.get('operator');
      const { brand } = await visibleIntegration(deps, operator, integration);
      if (body.betValue !== undefined) orThrow(parsePayable({ amount: body.betValue, asset: body.asset }));
      if (Date.parse(body.endsAt) <= Date.parse(body.startsAt))
        throw new FailureError(fail('invalid-request', 'The campaign would end before it begins.').failure);
      const key = c.req.valid('header')['idempotency-key'];
      const created = orThrow(
        await createCampaign(deps, {
          id: idFromKey(`campaign:${integration}`, operator.operatorId, key),
          integration,
          brand,
          terms: { ...body, betValue: body.betValue ?? null, count: body.count ?? null },
          operatorId: operator.operatorId,
          fingerprint: requestFingerprint(body),
          reason,
        }),
      );
      return c.json({ campaignId: created.campaignId }, 201);
    },
  );
}
