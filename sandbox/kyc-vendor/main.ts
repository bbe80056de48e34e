/** An identity-verification vendor as a process of its own: signed API, hosted page, reviews that take their time, webhooks. */
import { z } from 'zod';
import { createDueWork } from '../support/due-work.ts';
import { optionalVariable, portVariable, requiredVariable } from '../support/environment.ts';
import { createLog } from '../support/json-log.ts';
import { createPartyApp, serveParty } from '../support/party-server.ts';
import { openStateStore } from '../support/state-store.ts';
import { createWebhookQueue } from '../support/webhook-queue.ts';
import { serveApplicantApi } from './applicant-api.ts';
import { type Applicant, createApplicantBook, kycTables, type ReviewResult } from './applicant-book.ts';
import { kycEvent, type KycEventType, payloadDigest } from './kyc-events.ts';
import { kycScenario, reviewOrder } from './kyc-scenario.schema.ts';
import { approved, reviewDecision } from './review-answers.ts';
import { serveScreenings } from './screening-api.ts';
import { serveVerifyPage } from './verify-page.ts';

const log = createLog('kyc-vendor');
const store = openStateStore(requiredVariable('STATE_DIR'), 'kyc-vendor.sqlite', kycTables);
const webhookSecret = requiredVariable('WEBHOOK_SECRET');
const book = createApplicantBook(store);
let publicUrl = optionalVariable('PUBLIC_URL', '').replace(/\/$/, '');

const storedScenario = store.one<{ value: string }>('select value from setting where name = ?', 'scenario');
let scenario = kycScenario.parse(storedScenario === undefined ? {} : JSON.parse(storedScenario.value));

const webhooks = createWebhookQueue({
  store,
  log,
  url: requiredVariable('WEBHOOK_URL'),
  faults: () => scenario.webhook,
  sign: (body) => payloadDigest(body, webhookSecret),
});

function publish(applicant: Applicant, type: KycEventType): void {
  const { eventId, body } = kycEvent(applicant, type);
  store.run('insert into event values (?, ?, ?, ?)', eventId, applicant.id, type, Date.now());
  webhooks.enqueue(eventId, body);
  log('applicant', { applicantId: applicant.id, type, reviewStatus: applicant.reviewStatus });
}

function finish(id: string, result: ReviewResult): void {
  store.transaction(() => {
    book.complete(id, result);
    const reviewed = book.find(id);
    if (reviewed !== undefined) publish(reviewed, 'applicantReviewed');
  });
}

function review(id: string): void {
  const applicant = book.find(id);
  if (applicant?.reviewStatus !== 'pending') return;
  const decision = reviewDecision(applicant.info.documentNumber ?? '', scenario.answer);
  if (decision === 'never') return;
  if (decision !== 'on_hold') return finish(id, decision);
  store.transaction(() => {
    book.hold(id);
    publish(book.find(id) ?? applicant, 'applicantOnHold');
    if (scenario.holdMs !== null) due.schedule('release', id, scenario.holdMs);
  });
}

const due = createDueWork(
  store,
  {
    review,
    release: (id) => {
      if (book.find(id)?.reviewStatus === 'onHold') finish(id, approved);
    },
  },
  log,
);

const app = createPartyApp(log);
app.get('/_scenario', (c) => c.json(scenario));
app.put('/_scenario', async (c) => {
  const parsed = kycScenario.safeParse(await c.req.json());
  if (!parsed.success) return c.json({ error: z.prettifyError(parsed.error) }, 400);
  scenario = parsed.data;
  store.run('insert or replace into setting values (?, ?)', 'scenario', JSON.stringify(scenario));
  return c.json(scenario);
});
/** A reviewer's own answer, also over an earlier one. */
app.post('/_scenario/applicants/:id/review', async (c) => {
  const id = c.req.param('id');
  const applicant = book.find(id) ?? book.findByUser(id);
  const order = reviewOrder.safeParse(await c.req.json());
  if (applicant === undefined) return c.json({ error: 'no such applicant' }, 404);
  if (!order.success) return c.json({ error: z.prettifyError(order.error) }, 400);
  const { answer, rejectType, ...words } = order.data;
  const given = Object.fromEntries(Object.entries(words).filter(([, value]) => value !== undefined));
  finish(applicant.id, {
    reviewAnswer: answer,
    ...(rejectType === undefined ? {} : { reviewRejectType: rejectType }),
    ...given,
  });
  return c.json({ applicantId: applicant.id });
});
app.get('/_scenario/webhooks', (c) => c.json(webhooks.deliveries()));
app.post('/_scenario/webhooks/resend', (c) => c.json({ resent: webhooks.resendUndelivered() }));

serveApplicantApi(app, {
  book,
  publish,
  transaction: (work) => store.transaction(work),
  appToken: requiredVariable('APP_TOKEN'),
  secretKey: requiredVariable('SECRET_KEY'),
  publicUrl: () => publicUrl,
});
serveScreenings(app, {
  book,
  store,
  secretKey: requiredVariable('SECRET_KEY'),
  scenario: () => scenario,
});
serveVerifyPage(app, {
  book,
  submit: (applicant, info, document) =>
    store.transaction(() => {
      book.submit(applicant.id, info, document);
      publish(book.find(applicant.id) ?? applicant, 'applicantPending');
      due.schedule('review', applicant.id, scenario.reviewMs);
    }),
});

const server = await serveParty(app, portVariable(), log, () => {
  webhooks.stop();
  due.stop();
  store.close();
});
if (publicUrl === '') publicUrl = `http://127.0.0.1:${server.port}`;
webhooks.start();
due.start();
