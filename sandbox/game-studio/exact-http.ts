/** Bodies and answers of the studio's own calls, with integers as they are, however large. */
import { exactJsonText, parseExactJson } from '../support/exact-json.ts';
import type { PartyContext } from '../support/party-server.ts';

export const exactBody = async (c: PartyContext): Promise<unknown> => parseExactJson(await c.req.text());

export const exactAnswer = (c: PartyContext, value: unknown) =>
  c.body(exactJsonText(value), 200, { 'content-type': 'application/json' });
