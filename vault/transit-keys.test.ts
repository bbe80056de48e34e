import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTransitServer, type TransitServer } from '#test/support/transit-server.ts';
import { startWireServer } from '#test/support/wire-server.ts';
import { openTransitKeys } from './transit-keys.ts';

let server: TransitServer;
beforeAll(async () => {
  server = await startTransitServer('cards');
});
afterAll(() => server.close());

const keysOf = () => openTransitKeys({ url: server.url, key: 'cards', accessToken: server.accessToken });
const token = 'vt_one';
const refusal = (code: string) => expect.objectContaining({ name: 'Refusal', code }) as unknown;

describe('key management over HTTP', () => {
  test('wraps under its current version and unwraps what older versions wrapped', async () => {
    const keys = keysOf();
    const dataKey = randomBytes(32);
    const old = await keys.wrap(dataKey, token);
    expect([old.keyId, await keys.currentKeyId()]).toEqual(['transit:cards:v1', 'transit:cards:v1']);
    server.rotate();
    expect([(await keys.wrap(dataKey, token)).keyId, await keys.currentKeyId()]).toEqual([
      'transit:cards:v2',
      'transit:cards:v2',
    ]);
    expect(await keys.unwrap(old, token)).toEqual(dataKey);
  });

  test('does not unwrap for another token, nor what was changed', async () => {
    const keys = keysOf();
    const wrapped = await keys.wrap(randomBytes(32), token);
    await expect(keys.unwrap(wrapped, 'vt_two')).rejects.toEqual(refusal('card-unreadable'));
    const changed = Buffer.from(wrapped.wrapped.toString('latin1').replace(/.{4}$/, 'AAAA'), 'latin1');
    await expect(keys.unwrap({ ...wrapped, wrapped: changed }, token)).rejects.toEqual(
      refusal('card-unreadable'),
    );
    const foreign = { ...wrapped, wrapped: randomBytes(60) };
    await expect(keys.unwrap(foreign, token)).rejects.toEqual(refusal('card-unreadable'));
  });

  test('tells a refusal from an absence, and both from a stranger', async () => {
    const strange = openTransitKeys({ url: server.url, key: 'cards', accessToken: 'none' });
    await expect(strange.wrap(randomBytes(32), token)).rejects.toEqual(refusal('keys-refused'));
    server.setSealed(true);
    await expect(keysOf().currentKeyId()).rejects.toEqual(refusal('keys-unavailable'));
    server.setSealed(false);
    const page = await startWireServer(() => ({ status: 200, body: '<html>' }));
    const lost = openTransitKeys({ url: page.url, key: 'cards', accessToken: 'none' });
    await expect(lost.currentKeyId()).rejects.toEqual(refusal('keys-unavailable'));
    await page.close();
    await expect(lost.currentKeyId()).rejects.toEqual(refusal('keys-unavailable'));
  });
});
