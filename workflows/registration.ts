/** Sees a registration through: the verification mail, one reminder, and the end of what nobody verified. */
import {
  ActivityFailure,
  condition,
  proxyActivities,
  setHandler,
  upsertSearchAttributes,
  uuid4,
} from '@temporalio/workflow';
import type { createMessageActivities } from '#activities/crm/messages.ts';
import type { createRegistrationActivities } from '#activities/pam/registrations.ts';
import type { TemplateName } from '#domain/crm/templates.ts';
import {
  verificationClosesAfterMs,
  verificationMailsMax,
  verificationReminderAfterMs,
} from '#domain/pam/registration.ts';
import { taskQueues } from '#domain/task-queues.ts';
import {
  emailVerified,
  getRegistration,
  verificationRequested,
  type RegistrationInput,
  type RegistrationStage,
} from './registration.contract.ts';
import { insist } from './insist.ts';
import { database, notify } from './retry-profiles.ts';
import { stageKey } from './search-attributes.ts';

const { readRegistration, closeRegistration } = proxyActivities<
  ReturnType<typeof createRegistrationActivities>
>({
  ...database,
  taskQueue: taskQueues.player,
});
const { sendEmail } = proxyActivities<ReturnType<typeof createMessageActivities>>({
  ...notify,
  taskQueue: taskQueues.batch,
});
const { abandonEmail } = proxyActivities<ReturnType<typeof createMessageActivities>>({
  ...database,
  taskQueue: taskQueues.batch,
});

/** Ends with `verified` or, seven days after its start, with `closed`. */
export async function registration(input: RegistrationInput): Promise<RegistrationStage> {
  let stage: RegistrationStage = 'waiting-for-verification';
  let poked = false;
  let wanted = 0;
  let mails = 0;
  setHandler(getRegistration, () => stage);
  setHandler(emailVerified, () => {
    poked = true;
  });
  setHandler(verificationRequested, () => {
    wanted += 1;
  });

  const isVerified = async (): Promise<boolean> => {
    const { state } = await insist(() => readRegistration({ playerId: input.playerId }));
    return state === 'verified';
  };
  const end = (last: RegistrationStage): RegistrationStage => {
    stage = last;
    upsertSearchAttributes([{ key: stageKey, value: last }]);
    return last;
  };
  const mail = async (template: TemplateName): Promise<void> => {
    if (mails >= verificationMailsMax) return;
    mails += 1;
    await sendOrRecord({ messageId: uuid4(), playerId: input.playerId, template });
  };
  /** Waits for a poke or the deadline; sends the mail again when it is asked for. True once verified. */
  const verifiedWithin = async (deadline: number): Promise<boolean> => {
    for (;;) {
      const leftMs = deadline - Date.now();
      if (leftMs <= 0) return isVerified();
      if (!(await condition(() => poked || wanted > 0, leftMs))) continue;
      if (wanted > 0) {
        wanted = 0;
        await mail('verify-email');
      }
      if (poked) {
        poked = false;
        if (await isVerified()) return true;
      }
    }
  };

  const startedAt = Date.now();
  await mail('verify-email');
  if (await verifiedWithin(startedAt + verificationReminderAfterMs)) return end('verified');
  await mail('verify-email-reminder');
  if (await verifiedWithin(startedAt + verificationClosesAfterMs)) return end('verified');
  const { state } = await insist(() => closeRegistration({ playerId: input.playerId }));
  return end(state === 'verified' ? 'verified' : 'closed');
}

/** A mail that could not be sent does not end the registration: the player can ask for another. */
async function sendOrRecord(order: {
  messageId: string;
  playerId: string;
  template: TemplateName;
}): Promise<void> {
  try {
    await sendEmail(order);
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    await insist(() => abandonEmail(order));
  }
}
