/** The demonstration studio as the first brand is connected to it: once for each wallet dialect that there are keys for. */
import type { Studio } from '#activities/games/catalogue.ts';
import type { GameStudioConfig } from './config.ts';
import { brands, studioGames } from './seed-data.ts';

const connected = { brand: brands[0].id, operatorId: 'pitboss' };

/** Hub88 has the whole list; the other dialects have a few games of it, each under the code that it has there. */
const someGames = studioGames.slice(0, 2);
const a8rGames = someGames.map((game) => ({ ...game, code: game.code.replace('_', ':') }));

/** Hub88's first; a8r versions without a token are left out. */
export function studioIntegrations({
  url,
  studioPublicKey,
  operatorPrivateKey,
  a8rTokens,
}: GameStudioConfig): readonly Studio[] {
  const signing = { callerPublicKey: studioPublicKey, ownPrivateKey: operatorPrivateKey.reveal() };
  const rsa: readonly Studio[] = [
    {
      id: 'studio',
      dialect: 'hub88',
      baseUrl: url,
      ...connected,
      ...signing,
      importEveryH: 24,
      games: studioGames,
    },
    {
      id: 'studio-caleta',
      dialect: 'caleta',
      baseUrl: `${url}/caleta`,
      ...connected,
      ...signing,
      games: someGames,
    },
  ];
  const a8r = [
    { id: 'studio-a8r-v2', dialect: 'a8r-v2', baseUrl: `${url}/a8r`, token: a8rTokens.v2 },
    {
      id: 'studio-a8r-v1',
      dialect: 'a8r-v1',
      baseUrl: `${url}/gcp`,
      catalogueUrl: `${url}/gcp/games.yml`,
      token: a8rTokens.v1,
    },
  ] as const;
  const shared = a8r.flatMap(({ token, ...integration }): Studio[] =>
    token === undefined
      ? []
      : [
          {
            ...integration,
            ...connected,
            callerSecret: token.reveal(),
            games: a8rGames,
          },
        ],
  );
  return [...rsa, ...shared];
}
