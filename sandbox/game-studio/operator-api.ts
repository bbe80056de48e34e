/** What operators ask of the studio: the list of games, the address of a game, the truth about a round. */
import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { exactJsonText } from '../support/exact-json.ts';
import { createPartyRoutes, type PartyApp } from '../support/party-server.ts';
import { findGame, games, listedGame } from './catalogue.ts';
import { isSignedBy, signatureHeader } from './hub88-signature.ts';
import type { RoundBook } from './round-book.ts';

interface OperatorApiParts {
  book: RoundBook;
  operatorKey: KeyObject;
  operatorId: string;
  publicUrl: () => string;
}

const operator = { operator_id: z.union([z.string(), z.number()]).transform(String) };
const listBody = z.object(operator);
const urlBody = z.object({
  ...operator,
  game_code: z.string(),
  currency: z.string(),
  country: z.string().optional(),
  lang: z.string().optional(),
  lobby_url: z.string().optional(),
  user: z.string().optional(),
  token: z.string().optional(),
  platform: z.string().optional(),
});
const roundBody = z.object({
  ...operator,
  user: z.string().optional(),
  transaction_uuid: z.string().optional(),
  round: z.string().optional(),
});

/** Demo play: the wallet is never called. */
const demoCurrencies = new Set(['XXX', 'FUN']);

export function serveOperatorApi(
  app: PartyApp,
  { book, operatorKey, operatorId, publicUrl }: OperatorApiParts,
): void {
  const api = createPartyRoutes();

  api.use(async (c, next) => {
    const raw = Buffer.from(await c.req.arrayBuffer());
    if (!isSignedBy(raw, c.req.header(signatureHeader), operatorKey))
      return c.json({ error: 'INVALID_SIGNATURE' }, 403);
    let body: unknown;
    try {
      body = JSON.parse(raw.toString('utf8'));
    } catch {
      return c.json({ error: 'WRONG_SYNTAX' }, 400);
    }
    const known = listBody.safeParse(body);
    if (!known.success || known.data.operator_id !== operatorId)
      return c.json({ error: 'UNKNOWN_OPERATOR' }, 404);
    return next();
  });

  api.post('/game/list', (c) => c.json(games.map((game) => listedGame(game, publicUrl()))));

  api.post('/game/url', async (c) => {
    const body = urlBody.safeParse(await c.req.json());
    if (!body.success) return c.json({ error: 'WRONG_SYNTAX' }, 400);
    const { game_code: gameCode, currency, user, token, lobby_url: lobbyUrl } = body.data;
    if (findGame(gameCode) === undefined) return c.json({ error: 'UNKNOWN_GAME' }, 404);
    const demo = demoCurrencies.has(currency);
    if (!demo && (user === undefined || token === undefined)) return c.json({ error: 'WRONG_SYNTAX' }, 400);
    const session = book.openSession({
      token: demo ? null : (token ?? null),
      user: demo ? null : (user ?? null),
      currency,
      gameCode,
      lobbyUrl: lobbyUrl ?? null,
    });
    return c.json({ url: `${publicUrl()}/play?session=${session}` });
  });

  /** `status` and `transactions` are the sandbox's documented extension: Hub88 gives the replay's address only. */
  api.post('/game/round', async (c) => {
    const body = roundBody.safeParse(await c.req.json());
    if (!body.success) return c.json({ error: 'WRONG_SYNTAX' }, 400);
    const roundId =
      body.data.round ??
      (body.data.transaction_uuid === undefined
        ? undefined
        : book.findTransaction(body.data.transaction_uuid)?.roundId);
    const round = roundId === undefined ? undefined : book.findRound(roundId);
    if (round === undefined || (body.data.user !== undefined && body.data.user !== round.user))
      return c.json({ error: 'UNKNOWN_ROUND' }, 404);
    const transactions = book
      .transactionsOf(round.id)
      // What the wallet refused never happened; what it has not confirmed did happen here.
      .filter((transaction) => transaction.state !== 'refused')
      .map((transaction) => ({
        transaction_uuid: transaction.uuid,
        reference_transaction_uuid: transaction.referenceUuid,
        kind: transaction.kind,
        amount: transaction.amount,
      }));
    const answer = {
      url: `${publicUrl()}/replay/${round.id}`,
      round: round.id,
      status: round.status,
      transactions,
    };
    return c.body(exactJsonText(answer), 200, { 'content-type': 'application/json' });
  });

  app.route('/operator/generic/v2', api);
}
