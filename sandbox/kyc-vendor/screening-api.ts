/** Questions about lists: answered at once, under the caller's own name of the question, and signed. */
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { PartyApp } from '../support/party-server.ts';
import type { StateStore } from '../support/state-store.ts';
import type { ApplicantBook } from './applicant-book.ts';
import { payloadDigest } from './kyc-events.ts';
import type { KycScenario } from './kyc-scenario.schema.ts';

const question = z.object({ requestId: z.string().min(1).max(200) });
const table = 'create table if not exists screening (request_id text primary key, body text not null)';

interface ScreeningParts {
  book: ApplicantBook;
  store: StateStore;
  secretKey: string;
  scenario: () => KycScenario;
}

/** Signed requests only: the guard of /resources stands before it. */
export function serveScreenings(app: PartyApp, { book, store, secretKey, scenario }: ScreeningParts): void {
  store.run(table);

  function answerTo(requestId: string, applicant: { id: string; externalUserId: string }): string {
    const known = store.one<{ body: string }>('select body from screening where request_id = ?', requestId);
    if (known !== undefined) return known.body;
    const { screening, listVersion } = scenario();
    const isHit = screening === 'hit';
    const body = JSON.stringify({
      requestId,
      applicantId: applicant.id,
      externalUserId: applicant.externalUserId,
      listVersion,
      checkedAt: new Date().toISOString(),
      answer: isHit ? 'RED' : 'GREEN',
      // The same person is found under the same name every time.
      hits: isHit ? [{ id: `hit-${applicant.externalUserId}`, list: 'sanctions', name: 'A. Namesake' }] : [],
    });
    store.run('insert into screening values (?, ?)', requestId, body);
    return body;
  }

  app.post('/resources/applicants/:id/recheck/aml', async (c) => {
    const { screening, screeningMs } = scenario();
    const asked = question.safeParse(await c.req.json().catch(() => undefined));
    const applicant = book.find(c.req.param('id'));
    if (!asked.success) return c.json({ code: 400, description: 'requestId is required' }, 400);
    if (applicant === undefined) return c.json({ code: 404, description: 'Applicant not found' }, 404);
    if (screening === 'down') return c.json({ code: 503, description: 'Try again later' }, 503);
    const isForged = screening === 'forged';
    const body = answerTo(asked.data.requestId, applicant);
    if (screening === 'slow') await pause(screeningMs);
    return c.body(body, 200, {
      'content-type': 'application/json',
      ...payloadDigest(body, isForged ? `${secretKey}x` : secretKey),
    });
  });

  app.get('/_scenario/screenings', (c) =>
    c.json({
      screenings: store
        .all<{ body: string }>('select body from screening order by rowid')
        .map(({ body }) => JSON.parse(body) as unknown),
    }),
  );
}
