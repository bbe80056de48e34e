/** Our client of the KYC vendor against the vendor as a separate process. */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKycVendor, type KycVendor } from '#activities/kyc/vendor.ts';
import { createTemporaryDirectory, startParty, type PartyProcess } from '#sandbox/support/party-process.ts';
import { startWebhookReceiver, type WebhookReceiver } from '#sandbox/support/webhook-receiver.ts';

const directory = createTemporaryDirectory();
let receiver: WebhookReceiver;
let party: PartyProcess;
let vendor: KycVendor;
const keys = { appToken: 'app-token', secretKey: 'app-secret' };

beforeAll(async () => {
  receiver = await startWebhookReceiver();
  party = await startParty('kyc-vendor', {
    STATE_DIR: directory.path,
    APP_TOKEN: keys.appToken,
    SECRET_KEY: keys.secretKey,
    WEBHOOK_URL: receiver.url,
    WEBHOOK_SECRET: 'hook-secret',
  });
  vendor = createKycVendor({ url: party.url, ...keys });
});
afterAll(async () => {
  await party.stop();
  await receiver.close();
  directory.remove();
});

describe('createKycVendor', () => {
  it('makes one applicant per name however often it is asked, and leads the player to the page', async () => {
    const who = { externalUserId: randomUUID(), levelName: 'pitboss-l1' };
    const { applicantId } = await vendor.ensureApplicant(who);
    expect(await vendor.ensureApplicant(who)).toEqual({ applicantId });
    const { url } = await vendor.createVerifyLink({ ...who, ttlS: 60 });
    expect((await fetch(url)).status).toBe(200);
    expect(await vendor.readApplicant(applicantId)).toMatchObject({
      externalUserId: who.externalUserId,
      levelName: 'pitboss-l1',
      review: { status: 'waiting-for-player', answer: null },
    });
  });

  it('answers with one code for a wrong signature, an unknown applicant and a vendor that is away', async () => {
    const away = { failure: { code: 'dependency-unavailable' } };
    const stranger = createKycVendor({ url: party.url, ...keys, secretKey: 'other' });
    await expect(stranger.readApplicant('x')).rejects.toMatchObject(away);
    await expect(vendor.readApplicant('x')).rejects.toMatchObject(away);
    const nobody = createKycVendor({ url: 'http://127.0.0.1:1', ...keys });
    await expect(nobody.readApplicant('x')).rejects.toMatchObject(away);
  });

  const steer = (order: object) =>
    fetch(`${party.url}/_scenario`, { method: 'PUT', body: JSON.stringify(order) });

  it('asks about lists under one name per question, and is told matches without names', async () => {
    const externalUserId = randomUUID();
    const { applicantId } = await vendor.ensureApplicant({ externalUserId, levelName: 'pitboss-l1' });
    const ask = (requestId: string) => vendor.screen({ applicantId, externalUserId, requestId });
    await steer({ listVersion: 'monday' });
    expect(await ask('question-1')).toEqual({ listVersion: 'monday', hits: [] });
    await steer({ listVersion: 'tuesday', screening: 'hit' });
    // A repeat is the first answer, whatever the lists say by now; another question is another answer.
    expect(await ask('question-1')).toEqual({ listVersion: 'monday', hits: [] });
    expect(await ask('question-2')).toEqual({
      listVersion: 'tuesday',
      hits: [{ id: `hit-${externalUserId}`, list: 'sanctions' }],
    });
  });

  it('takes no answer about lists that is forged, late or missing, or about somebody else', async () => {
    const away = { failure: { code: 'dependency-unavailable' } };
    const [externalUserId, other] = [randomUUID(), randomUUID()];
    const { applicantId } = await vendor.ensureApplicant({ externalUserId, levelName: 'pitboss-l1' });
    const hurried = createKycVendor({ url: party.url, ...keys, timeoutMs: 200 });
    const ask = (by: KycVendor, ofUser = externalUserId) =>
      by.screen({ applicantId, externalUserId: ofUser, requestId: randomUUID() });
    for (const screening of ['forged', 'down'] as const) {
      await steer({ screening });
      await expect(ask(vendor)).rejects.toMatchObject(away);
    }
    await steer({ screening: 'slow', screeningMs: 600 });
    await expect(ask(hurried)).rejects.toMatchObject(away);
    await steer({});
    await expect(ask(vendor, other)).rejects.toMatchObject(away);
    expect(await ask(vendor)).toMatchObject({ hits: [] });
  });

  it('uses nothing of an answer that does not fit: another applicant, a script for a link, a redirect', async () => {
    const answers = new Map([
      ['GET', { status: 200, body: JSON.stringify({ id: 'other', externalUserId: 'p' }) }],
      ['POST', { status: 200, body: JSON.stringify({ token: 't', url: 'javascript:alert(1)' }) }],
    ]);
    const server = createServer((request, response) => {
      const answer = answers.get(request.method ?? '');
      response.writeHead(answer?.status ?? 500, { location: 'http://127.0.0.1:1/' }).end(answer?.body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const fooled = createKycVendor({ url, ...keys });
      const away = { failure: { code: 'dependency-unavailable' } };
      await expect(fooled.readApplicant('mine')).rejects.toMatchObject(away);
      await expect(
        fooled.createVerifyLink({ externalUserId: 'p', levelName: 'l', ttlS: 1 }),
      ).rejects.toMatchObject(away);
      answers.set('GET', { status: 302, body: '' });
      await expect(fooled.readApplicant('mine')).rejects.toMatchObject(away);
    } finally {
      server.close();
    }
  });
});
