/** Settings of an OpenAI-compatible server. */
import { numberSetting, textSetting } from '../../core/setting.ts';
import { settingRanges } from '../../core/setting-ranges.ts';

const defaults = { parallel: 4, deadlineSeconds: 180 } as const;

export const openAiSettingTable = {
  address: textSetting({
    title: 'address',
    help: 'Base address of an OpenAI-compatible server, as in http://127.0.0.1:8000/v1.',
    wanted: 'the base address of an OpenAI-compatible server',
    isRequired: true,
    initial: 'http://127.0.0.1:8000/v1',
    form: 'first',
  }),
  model: textSetting({
    title: 'model',
    help: 'Model name on the server.',
    option: 'model',
    placeholder: 'name',
    wanted: 'the name of a model on the server',
    isRequired: true,
    form: 'first',
  }),
  parallel: numberSetting(settingRanges.parallelRequests, {
    title: 'requests at the same time',
    help: `Concurrent requests. Default: ${defaults.parallel}.`,
    option: 'parallel',
    default: defaults.parallel,
    form: 'more',
  }),
  deadlineSeconds: numberSetting(settingRanges.deadlineSeconds, {
    title: 'deadline',
    unit: 'seconds',
    help: `Timeout for a reply, in seconds. Default: ${defaults.deadlineSeconds}.`,
    option: 'deadline',
    placeholder: 'seconds',
    default: defaults.deadlineSeconds,
    form: 'more',
  }),
} as const;
