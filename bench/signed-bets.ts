/** Hub88 bets as whole HTTP requests, signed before anything is measured. */
import { createPrivateKey, randomUUID, sign, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { loadGame, type LoadPlayer } from './load-players.ts';

const signInPool = promisify(sign) as unknown as (
  algorithm: string,
  data: Buffer,
  key: KeyObject,
) => Promise<Buffer>;
const signaturesAtOnce = 8;
/** One cent, on a wire of units × 100 000. */
const stake = 1_000;

/** In turn reaches everybody once before anybody twice, which warms a process up; at random is how load comes. */
export type BetOrder = 'in turn' | 'at random';

/**
 * Makes `count` requests for the players; each closes its round, so that none of them is ever
 * asked for at the provider. Signing runs on the thread pool, on all cores.
 */
export async function makeSignedBets(
  privateKey: string,
  host: string,
  players: readonly LoadPlayer[],
  count: number,
  order: BetOrder = 'at random',
): Promise<Buffer[]> {
  const key = createPrivateKey(privateKey);
  const requests: Buffer[] = [];
  let begun = 0;
  const makeSome = async (): Promise<void> => {
    while (begun < count) {
      const index = order === 'in turn' ? begun % players.length : Math.floor(Math.random() * players.length);
      begun += 1;
      const player = players[index];
      if (player === undefined) throw new Error('There is nobody to bet.');
      const body = Buffer.from(betBody(player));
      requests.push(requestOf(host, body, await signInPool('RSA-SHA256', body, key)));
    }
  };
  await Promise.all(Array.from({ length: signaturesAtOnce }, makeSome));
  return requests;
}

const betBody = ({ id, token }: LoadPlayer): string =>
  JSON.stringify({
    request_uuid: randomUUID(),
    transaction_uuid: randomUUID(),
    round: randomUUID(),
    round_closed: true,
    token,
    user: id,
    game_code: loadGame.code,
    currency: loadGame.asset,
    amount: stake,
    is_free: false,
  });

const requestOf = (host: string, body: Buffer, signature: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from(
      `POST /wallet/hub88/${loadGame.integration}/transaction/bet HTTP/1.1\r\nhost: ${host}\r\n` +
        `content-type: application/json\r\ncontent-length: ${body.length}\r\n` +
        `x-hub88-signature: ${signature.toString('base64')}\r\n\r\n`,
    ),
    body,
  ]);
