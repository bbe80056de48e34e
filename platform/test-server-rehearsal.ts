/**
 * The life of one small workflow on the time-skipping server, so that Java has loaded by its end what every test makes it
 * load. The server is spoken to directly: a worker would want a bundle of workflow code.
 */
import { Connection } from '@temporalio/client';

type Service = Connection['workflowService'];
type Command = NonNullable<Parameters<Service['respondWorkflowTaskCompleted']>[0]['commands']>[number];

const about = { namespace: 'default', identity: 'rehearsal' };
const taskQueue = { name: 'rehearsal' };
const workflowId = 'rehearsal';
/** CommandType of the Temporal API; the enum lives in a package we do not depend on. */
const commandType = { scheduleActivityTask: 1, startTimer: 3, completeWorkflowExecution: 4 };
const connectWithinMs = 10_000;

const seconds = (count: number) => ({ seconds: count as never });

/** @param address host and port of a server that listens */
export async function rehearse(address: string): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: connectWithinMs });
  const service = connection.workflowService;
  try {
    await service.startWorkflowExecution({
      ...about,
      workflowId,
      requestId: workflowId,
      workflowType: { name: 'rehearsal' },
      taskQueue,
    });
    await answerWorkflowTask(service, [scheduleActivity, startTimer]);
    await answerActivityTask(service);
    await service.signalWorkflowExecution({
      ...about,
      workflowExecution: { workflowId },
      signalName: 'rehearsal',
      requestId: 'signal',
    });
    await answerWorkflowTask(service, [{ commandType: commandType.completeWorkflowExecution }]);
    await service.getWorkflowExecutionHistory({ ...about, execution: { workflowId } });
    await service.describeWorkflowExecution({ ...about, execution: { workflowId } });
  } finally {
    await connection.close();
  }
}

const scheduleActivity: Command = {
  commandType: commandType.scheduleActivityTask,
  scheduleActivityTaskCommandAttributes: {
    activityId: 'rehearsal',
    activityType: { name: 'rehearsal' },
    taskQueue,
    startToCloseTimeout: seconds(60),
    retryPolicy: { initialInterval: seconds(1) },
  },
};

const startTimer: Command = {
  commandType: commandType.startTimer,
  startTimerCommandAttributes: { timerId: 'rehearsal', startToFireTimeout: seconds(60) },
};

async function answerWorkflowTask(service: Service, commands: Command[]): Promise<void> {
  const { taskToken } = await service.pollWorkflowTaskQueue({ ...about, taskQueue });
  await service.respondWorkflowTaskCompleted({ ...about, taskToken, commands });
}

async function answerActivityTask(service: Service): Promise<void> {
  const { taskToken } = await service.pollActivityTaskQueue({ ...about, taskQueue });
  await service.respondActivityTaskCompleted({ ...about, taskToken });
}
