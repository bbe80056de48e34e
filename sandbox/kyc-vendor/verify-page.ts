/** The hosted page on which the player gives name, birth date and document. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { escapeHtml, htmlPage } from '../support/html-page.ts';
import type { PartyApp } from '../support/party-server.ts';
import type { Applicant, ApplicantBook, ApplicantInfo } from './applicant-book.ts';

interface VerifyPageParts {
  book: ApplicantBook;
  submit: (
    applicant: Applicant,
    info: ApplicantInfo,
    document: { sha256: string; size: number } | undefined,
  ) => void;
}

const form = z.object({
  firstName: z.string().trim().min(1),
  lastName: z.string().trim().min(1),
  dob: z.iso.date(),
  documentNumber: z.string().trim().min(4),
  country: z
    .string()
    .trim()
    .regex(/^[A-Z]{3}$/)
    .optional(),
});
const sizeMax = 10 * 1024 * 1024;

const expired = () =>
  htmlPage('Link expired', '<h1>This link has expired</h1><p>Ask for a new one where you came from.</p>');

export function serveVerifyPage(app: PartyApp, { book, submit }: VerifyPageParts): void {
  app.get('/verify', (c) => {
    const token = c.req.query('token') ?? '';
    const applicant = book.applicantOfToken(token);
    if (applicant === undefined) return c.html(expired(), 404);
    const { reviewStatus, reviewResult } = applicant;
    if (reviewStatus === 'pending' || reviewStatus === 'onHold')
      return c.html(htmlPage('In review', '<h1>We are looking at your documents</h1>'));
    if (reviewStatus === 'completed' && reviewResult?.reviewRejectType !== 'RETRY') {
      return c.html(
        htmlPage(
          'Done',
          `<h1>${reviewResult?.reviewAnswer === 'GREEN' ? 'You are verified' : 'Your verification has ended'}</h1>`,
        ),
      );
    }
    const field = (name: string, label: string, more = '') =>
      `<label for="${name}">${label}</label><input id="${name}" name="${name}" required ${more}>`;
    return c.html(
      htmlPage(
        'Verify your identity',
        `<h1>Verify your identity</h1>
      ${reviewResult?.moderationComment === undefined ? '' : `<p><strong>${escapeHtml(reviewResult.moderationComment)}</strong></p>`}
      <form method="post" action="/verify?token=${encodeURIComponent(token)}" enctype="multipart/form-data">
        ${field('firstName', 'First name')}${field('lastName', 'Last name')}${field('dob', 'Date of birth', 'type="date"')}
        ${field('documentNumber', 'Passport number')}
        <label for="document">Photo of the document</label><input id="document" name="document" type="file">
        <button>Send</button>
      </form>`,
      ),
    );
  });

  app.post('/verify', async (c) => {
    const applicant = book.applicantOfToken(c.req.query('token') ?? '');
    if (applicant === undefined) return c.html(expired(), 404);
    if (applicant.reviewStatus === 'pending' || applicant.reviewStatus === 'onHold') {
      return c.html(htmlPage('In review', '<h1>We are looking at your documents already</h1>'), 409);
    }
    const body = await c.req.parseBody();
    const fields = form.safeParse(body);
    if (!fields.success)
      return c.html(
        htmlPage(
          'Not complete',
          `<h1>Something is missing</h1><p>${escapeHtml(z.prettifyError(fields.error))}</p>`,
        ),
        400,
      );
    const file = body['document'];
    let document: { sha256: string; size: number } | undefined;
    if (file instanceof File && file.size > 0) {
      if (file.size > sizeMax) return c.html(htmlPage('Too large', '<h1>The file is too large</h1>'), 413);
      document = {
        sha256: createHash('sha256')
          .update(Buffer.from(await file.arrayBuffer()))
          .digest('hex'),
        size: file.size,
      };
    }
    const { country, ...given } = fields.data;
    submit(applicant, country === undefined ? given : { ...given, country }, document);
    return c.html(
      htmlPage(
        'Thank you',
        '<h1>Thank you</h1><p>We will look at your documents. You may close this page.</p>',
      ),
    );
  });
}
