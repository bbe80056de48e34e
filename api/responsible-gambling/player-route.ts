/** What the routes of limits and exclusions have in common. */
import type { z } from '@hono/zod-openapi';
import type { FailureCode } from '#domain/failures.ts';
import type { ApiDeps } from '../context.ts';
import { requirePlayer } from '../pam-guard.ts';
import { problemResponses } from '../problem.ts';

export const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { 'application/json': { schema } },
});

export const body = <T extends z.ZodType>(schema: T) => ({
  required: true,
  content: { 'application/json': { schema } },
});

/** What every route of a player shares. */
export const playerRoute = (
  deps: ApiDeps,
  operationId: string,
  summary: string,
  ...codes: FailureCode[]
) => ({
  operationId,
  summary,
  tags: ['responsible-gambling'],
  security: [{ playerSession: [] }],
  middleware: requirePlayer(deps),
  problems: problemResponses('invalid-request', 'not-authenticated', ...codes),
});
