/** /resources: the signed API the platform calls. */
import { z } from 'zod';
import type { PartyApp } from '../support/party-server.ts';
import type { Applicant, ApplicantBook } from './applicant-book.ts';
import type { KycEventType } from './kyc-events.ts';
import { signatureFault } from './request-signature.ts';

interface ApplicantApiParts {
  book: ApplicantBook;
  transaction: <T>(work: () => T) => T;
  publish: (applicant: Applicant, type: KycEventType) => void;
  appToken: string;
  secretKey: string;
  publicUrl: () => string;
}

const infoSchema = z.object({
  firstName: z.string().optional(),
  lastName: z.string().optional(),
  dob: z.string().optional(),
  country: z.string().optional(),
});
const createBody = z.object({
  externalUserId: z.string().min(1),
  info: infoSchema.optional(),
  fixedInfo: infoSchema.optional(),
});
const tokenBody = z.object({
  userId: z.string().min(1),
  levelName: z.string().min(1),
  ttlInSecs: z.int().min(1).max(86_400).default(600),
});

const stamp = (ms: number) => new Date(ms).toISOString().slice(0, 19).replace('T', ' ');

const shownApplicant = (applicant: Applicant) => {
  const { documentNumber, ...info } = applicant.info;
  return {
    id: applicant.id,
    createdAt: stamp(applicant.createdAtMs),
    clientId: 'pitboss_sandbox',
    inspectionId: applicant.inspectionId,
    externalUserId: applicant.externalUserId,
    type: 'individual',
    info: {
      ...info,
      ...(documentNumber === undefined
        ? {}
        : { idDocs: [{ idDocType: 'PASSPORT', country: info.country ?? 'MLT', number: documentNumber }] }),
    },
    review: {
      levelName: applicant.levelName,
      attemptCnt: applicant.attempt,
      reviewStatus: applicant.reviewStatus,
      createDate: stamp(applicant.createdAtMs),
      ...(applicant.reviewResult === undefined ? {} : { reviewResult: applicant.reviewResult }),
      ...(applicant.reviewedAtMs === null ? {} : { reviewDate: stamp(applicant.reviewedAtMs) }),
    },
  };
};

export function serveApplicantApi(
  app: PartyApp,
  { book, transaction, publish, appToken, secretKey, publicUrl }: ApplicantApiParts,
): void {
  const failure = (code: 400 | 401 | 404 | 409, description: string) => ({
    code,
    description,
    correlationId: crypto.randomUUID(),
  });

  app.use('/resources/*', async (c, next) => {
    const fault = signatureFault(
      {
        method: c.req.method,
        uri: c.env.incoming.url ?? '',
        body: Buffer.from(await c.req.arrayBuffer()),
        header: (name) => c.req.header(name),
      },
      appToken,
      secretKey,
    );
    return fault === undefined ? next() : c.json(failure(401, fault), 401);
  });

  /** Finds the applicant, moves it to another level, or creates it. */
  function ensure(externalUserId: string, levelName: string): Applicant {
    const known = book.findByUser(externalUserId);
    if (known === undefined) {
      const created = book.create(externalUserId, levelName, {});
      publish(created, 'applicantCreated');
      return created;
    }
    if (known.levelName === levelName) return known;
    book.changeLevel(known.id, levelName);
    const changed = book.find(known.id) ?? known;
    publish(changed, 'applicantLevelChanged');
    return changed;
  }

  app.post('/resources/applicants', async (c) => {
    const body = createBody.safeParse(await c.req.json().catch(() => undefined));
    const levelName = c.req.query('levelName');
    if (!body.success || levelName === undefined)
      return c.json(failure(400, 'externalUserId and levelName are required'), 400);
    const { externalUserId, info, fixedInfo } = body.data;
    const known = book.findByUser(externalUserId);
    if (known !== undefined) {
      return c.json(
        failure(409, `Applicant with external user id '${externalUserId}' already exists: ${known.id}`),
        409,
      );
    }
    const created = transaction(() => {
      const given = Object.fromEntries(
        Object.entries({ ...fixedInfo, ...info }).filter(([, value]) => value !== undefined),
      );
      const applicant = book.create(externalUserId, levelName, given);
      publish(applicant, 'applicantCreated');
      return applicant;
    });
    return c.json(shownApplicant(created), 201);
  });

  /** By id, or by ours in the form "-;externalUserId=…". */
  app.get('/resources/applicants/:id/one', (c) => {
    const id = c.req.param('id');
    const prefix = '-;externalUserId=';
    const found = id.startsWith(prefix) ? book.findByUser(id.slice(prefix.length)) : book.find(id);
    return found === undefined
      ? c.json(failure(404, 'Applicant not found'), 404)
      : c.json(shownApplicant(found));
  });

  app.get('/resources/applicants/:id/status', (c) => {
    const found = book.find(c.req.param('id'));
    return found === undefined
      ? c.json(failure(404, 'Applicant not found'), 404)
      : c.json(shownApplicant(found).review);
  });

  app.post('/resources/applicants/:id/reset', (c) => {
    const found = book.find(c.req.param('id'));
    if (found === undefined) return c.json(failure(404, 'Applicant not found'), 404);
    transaction(() => {
      book.reset(found.id);
      publish(book.find(found.id) ?? found, 'applicantReset');
    });
    return c.json({ ok: 1 });
  });

  app.post('/resources/accessTokens/sdk', async (c) => {
    const body = tokenBody.safeParse(await c.req.json().catch(() => undefined));
    if (!body.success) return c.json(failure(400, 'userId and levelName are required'), 400);
    const { userId, levelName, ttlInSecs } = body.data;
    const token = transaction(() => book.mintToken(ensure(userId, levelName).id, ttlInSecs));
    return c.json({ token, userId, url: `${publicUrl()}/verify?token=${encodeURIComponent(token)}` });
  });
}
