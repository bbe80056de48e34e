/** Starting a game: for a player with a wallet, or without money for whoever the brand lets try. */
import { createRoute, z } from '@hono/zod-openapi';
import { launchDemo, readDemoRule } from '#activities/games/commands/launch-demo.ts';
import { launchGame } from '#activities/games/commands/launch.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import type { Api } from '../app.ts';
import type { ApiDeps } from '../context.ts';
import { createPace } from '../pace.ts';
import { requirePlayer } from '../pam-guard.ts';
import { problemResponses } from '../problem.ts';
import { clientAddress } from '../request-origin.ts';

const gameShape = {
  integration: z.string().min(1).max(40).default('studio'),
  game: z.string().min(1).max(255).openapi({ example: 'pbs_dragonvault' }),
  language: z
    .string()
    .regex(/^[a-z]{2}$/)
    .default('en'),
  platform: z.enum(['desktop', 'mobile']).default('desktop'),
  lobbyUrl: z.url({ protocol: /^https?$/ }),
  depositUrl: z.url({ protocol: /^https?$/ }),
};

const launchInput = z
  .strictObject({
    ...gameShape,
    asset: z
      .string()
      .regex(/^[A-Z]{3,10}$/)
      .openapi({ example: 'EUR' }),
  })
  .openapi('GameLaunch');

const demoInput = z
  .strictObject({
    ...gameShape,
    country: z
      .string()
      .regex(/^[A-Z]{2}$/)
      .openapi({
        example: 'MT',
        description: 'Where the visitor is; a signed-in player’s own country counts.',
      }),
  })
  .openapi('DemoLaunch');

const launchOutput = z.strictObject({ gameSessionId: z.uuid(), launchUrl: z.url() }).openapi('LaunchedGame');
const demoOutput = z.strictObject({ launchUrl: z.url() }).openapi('LaunchedDemo');

/** Providers answer each of these; a visitor may not make us ask without end. */
const demosPerMinuteMax = 20;

/** Handed to the provider where no socket tells an address, which is in tests alone. */
const unknownAddress = '127.0.0.1';

export function mountLaunch(api: Api, deps: ApiDeps): void {
  mountRealLaunch(api, deps);
  mountDemoLaunch(api, deps);
}

function mountRealLaunch(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'post',
      path: '/v1/game-sessions',
      operationId: 'launchGame',
      tags: ['games'],
      summary: 'Launch a game: opens a game session and answers with the address of the running game',
      security: [{ playerSession: [] }],
      middleware: [requirePlayer(deps)] as const,
      request: { body: { required: true, content: { 'application/json': { schema: launchInput } } } },
      responses: {
        201: { description: 'Launched', content: { 'application/json': { schema: launchOutput } } },
        ...problemResponses(
          'invalid-request',
          'not-authenticated',
          'email-not-verified',
          'player-blocked',
          'self-excluded',
          'unknown-game',
          'wallet-not-found',
          'provider-refused',
          'dependency-unavailable',
        ),
      },
    }),
    async (c) => {
      const player = c.get('player');
      const facts = await deps.db
        .selectFrom('pam.player')
        .select('emailVerifiedAt')
        .where('id', '=', player.playerId)
        .executeTakeFirstOrThrow();
      if (!facts.emailVerifiedAt)
        throw new FailureError(fail('email-not-verified', 'Verify the e-mail address first.').failure);
      const launched = orThrow(
        await launchGame(deps, {
          ...c.req.valid('json'),
          playerId: player.playerId,
          playerSessionId: player.sessionId,
          brand: player.brand,
          ip: clientAddress(c) ?? unknownAddress,
        }),
      );
      return c.json({ gameSessionId: launched.gameSessionId, launchUrl: launched.launchUrl }, 201);
    },
  );
}

function mountDemoLaunch(api: Api, deps: ApiDeps): void {
  const pace = createPace({ perMinuteMax: demosPerMinuteMax });
  const identify = requirePlayer(deps);
  api.openapi(
    createRoute({
      method: 'post',
      path: '/v1/demo-sessions',
      operationId: 'launchDemo',
      tags: ['games'],
      summary: 'Try a game without money; brands decide whether one has to be signed in for it',
      request: { body: { required: true, content: { 'application/json': { schema: demoInput } } } },
      responses: {
        201: { description: 'Launched', content: { 'application/json': { schema: demoOutput } } },
        ...problemResponses(
          'invalid-request',
          'not-authenticated',
          'session-expired',
          'player-blocked',
          'forbidden',
          'unknown-game',
          'provider-refused',
          'provider-lacks-feature',
          'too-many-requests',
          'dependency-unavailable',
        ),
      },
    }),
    async (c) => {
      const body = c.req.valid('json');
      const offer = await readDemoRule(deps.db, body.integration);
      if (!offer || offer.rule === 'off')
        throw new FailureError(fail('unknown-game', 'There is no such game to try.').failure);
      if (offer.rule === 'signed-in') await identify(c, async () => {});
      const player = offer.rule === 'signed-in' ? c.get('player') : null;
      if (player !== null && player.brand !== offer.brand)
        throw new FailureError(fail('unknown-game', 'There is no such game to try.').failure);
      const ip = clientAddress(c) ?? unknownAddress;
      if (!pace.admits(player?.playerId ?? ip))
        throw new FailureError(fail('too-many-requests', 'That were many games in a minute.').failure);
      const home = player ? await readHome(deps, player.playerId) : null;
      const country = home?.country ?? body.country;
      // A visitor has no jurisdiction yet; the country is the nearest that there is.
      const jurisdiction = home?.jurisdiction ?? country;
      const launchUrl = orThrow(await launchDemo(deps, { ...body, country, jurisdiction, ip }));
      return c.json({ launchUrl }, 201);
    },
  );
}

const readHome = ({ db }: ApiDeps, playerId: string) =>
  db
    .selectFrom('pam.player')
    .select(['country', 'jurisdiction'])
    .where('id', '=', playerId)
    .executeTakeFirstOrThrow();
