/** What a lobby shows: the games that can be launched now, by title, with their pictures and what to filter by. */
import { createRoute, z } from '@hono/zod-openapi';
import { sql } from 'kysely';
import type { Api } from '../app.ts';
import type { ApiDeps } from '../context.ts';
import { fromPosition, positionLengthMax, toPosition } from '../page-position.ts';
import { problemResponses } from '../problem.ts';
import { pageOf } from '../schemas.ts';

const gameSchema = z
  .strictObject({
    integration: z.string(),
    code: z.string(),
    title: z.string(),
    category: z.string(),
    provider: z.string().nullable(),
    producer: z.string().nullable(),
    live: z.boolean(),
    imageUrl: z.string().nullable(),
    backgroundUrl: z.string().nullable(),
    platforms: z.array(z.string()).openapi({ description: 'Empty where the provider does not say.' }),
    hasDemo: z.boolean().nullable(),
    hasFreeRounds: z.boolean().nullable(),
  })
  .openapi('Game');

const word = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^\0]*$/);

const lobbyQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  after: z.string().max(positionLengthMax).optional(),
  brand: z.string().min(1).max(40).optional(),
  integration: z.string().min(1).max(40).optional(),
  category: word.optional(),
  provider: word.optional(),
  live: z.enum(['true', 'false']).optional(),
  platform: z.enum(['desktop', 'mobile']).optional(),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/)
    .optional()
    .openapi({ example: 'MT', description: 'Leaves out what is closed to this country.' }),
  search: word.max(60).optional().openapi({ description: 'Part of the title, in any case.' }),
});

/** Position in the list; titles are not unique, so the key follows. */
const cursorForm = z.tuple([z.string(), z.string(), z.string()]);

export function mountLobby(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/games',
      operationId: 'listGames',
      tags: ['games'],
      summary: 'The games that can be launched now',
      request: { query: lobbyQuery },
      responses: {
        200: {
          description: 'Games by title',
          content: { 'application/json': { schema: pageOf(gameSchema, 'GamePage') } },
        },
        ...problemResponses('invalid-request', 'dependency-unavailable'),
      },
    }),
    async (c) => {
      const query = c.req.valid('query');
      const rows = await selectGames(deps, query)
        .limit(query.limit + 1)
        .execute();
      const items = rows.slice(0, query.limit);
      const last = items.at(-1);
      return c.json(
        {
          items,
          next:
            rows.length > query.limit && last ? toPosition([last.title, last.integration, last.code]) : null,
        },
        200,
      );
    },
  );
}

function selectGames({ db }: ApiDeps, query: z.infer<typeof lobbyQuery>) {
  const { after, brand, integration, category, provider, live, platform, country, search } = query;
  const position = after === undefined ? null : fromPosition(cursorForm, after);
  return (
    db
      .selectFrom('games.game as g')
      .innerJoin('games.integration as i', 'i.id', 'g.integration')
      .select([
        'g.integration',
        'g.code',
        'g.title',
        'g.category',
        'g.provider',
        'g.producer',
        'g.live',
        'g.imageUrl',
        'g.backgroundUrl',
        'g.platforms',
        'g.hasDemo',
        'g.hasFreeRounds',
      ])
      .where('g.playable', '=', true)
      .where('i.enabled', '=', true)
      .$if(brand !== undefined, (q) => q.where('i.brand', '=', brand ?? ''))
      .$if(integration !== undefined, (q) => q.where('g.integration', '=', integration ?? ''))
      .$if(category !== undefined, (q) => q.where('g.category', '=', category ?? ''))
      .$if(provider !== undefined, (q) => q.where('g.provider', '=', provider ?? ''))
      .$if(live !== undefined, (q) => q.where('g.live', '=', live === 'true'))
      // A provider that names no platforms does not mean none.
      .$if(platform !== undefined, (q) =>
        q.where(sql<boolean>`(g.platforms = '{}' or ${platform} = any (g.platforms))`),
      )
      .$if(country !== undefined, (q) => q.where(sql<boolean>`not ${country} = any (g.blocked_countries)`))
      .$if(search !== undefined, (q) => q.where(sql<boolean>`strpos(lower(g.title), lower(${search})) > 0`))
      .$if(position !== null, (q) =>
        q.where(
          sql<boolean>`(g.title, g.integration, g.code) > (${position?.[0]}, ${position?.[1]}, ${position?.[2]})`,
        ),
      )
      .orderBy('g.title')
      .orderBy('g.integration')
      .orderBy('g.code')
  );
}
