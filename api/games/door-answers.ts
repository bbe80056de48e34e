/**
 * What a wallet call gets that never reaches its handler, such as a body that is too large, a wrong method or an
 * address that is none: an answer in its dialect's own words, since its caller reads no others.
 */
import type { Context } from 'hono';
import type { Failure } from '#domain/failures.ts';
import { hub88StatusOf } from '#domain/games/hub88.ts';
import type { ApiEnv } from '../context.ts';
import { logOf } from '../request-start.ts';
import { answerCall } from './call-answer.ts';
import { a8rV1 } from './a8r-play.ts';
import { a8rV2 } from './a8r-twirp.ts';

type Door = { readonly dialect: string; answer(c: Context<ApiEnv>, failure: Failure): Response };

/** Every answer is HTTP 200 in these dialects: the status field decides. */
const statusAnswer = (c: Context<ApiEnv>, failure: Failure): Response =>
  answerCall(c, JSON.stringify({ status: hub88StatusOf(failure.code) }));

const doors: readonly (readonly [RegExp, Door])[] = [
  [/^\/wallet\/hub88\//, { dialect: 'hub88', answer: statusAnswer }],
  [/^\/wallet\/caleta\//, { dialect: 'caleta', answer: statusAnswer }],
  [
    /^\/wallet\/a8r\/v1\//,
    { dialect: a8rV1.dialect, answer: (c, failure) => a8rV1.refusal(c, failure, null) },
  ],
  [/^\/wallet\/a8r\//, { dialect: a8rV2.dialect, answer: (c, failure) => a8rV2.refusal(c, failure, null) }],
];

/** The answer where the request came to a wallet door, and null elsewhere. It is logged like any refusal. */
export function answerAtDoor(c: Context<ApiEnv>, failure: Failure): Response | null {
  const door = doors.find(([form]) => form.test(c.req.path))?.[1];
  if (!door) return null;
  const { dialect } = door;
  logOf(c).info({ dialect, code: failure.code, method: c.req.method }, 'wallet call refused');
  return door.answer(c, failure);
}
