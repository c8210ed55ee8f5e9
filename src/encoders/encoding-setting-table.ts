/** What a user may say of how texts become vectors, in place of what the model says of itself. */
import { choiceSetting, numberSetting, switchSetting, type Setting } from '../host/setting.ts';
import { settingRanges } from '../host/setting-ranges.ts';
import * as v from 'valibot';

const byModel = 'Default: what the model says.';

function prefixSetting(side: 'query' | 'passage'): Setting<string> {
  return {
    schema: v.string(),
    default: undefined,
    title: `${side} prefix`,
    help: `Put before each ${side}. ${byModel}`,
    option: `${side}-prefix`,
    placeholder: 'text',
    wanted: 'a text',
    read: (text) => text,
    show: (value) => value,
  };
}

export const encodingSettingTable = {
  queryMaxLength: numberSetting(settingRanges.maxLength, {
    title: 'longest query (tokens)',
    help: `Tokens of a query. ${byModel}`,
    option: 'max-query-length',
    form: 'more',
  }),
  passageMaxLength: numberSetting(settingRanges.maxLength, {
    title: 'longest passage (tokens)',
    help: `Tokens of a passage. ${byModel}`,
    option: 'max-passage-length',
    form: 'more',
  }),
  pooling: choiceSetting(['mean', 'cls'], {
    title: 'pooling',
    help: `How a text's token vectors become one: their mean, or that of [CLS]. ${byModel}`,
    option: 'pooling',
    placeholder: 'how',
  }),
  normalize: switchSetting(
    { yes: 'yes', no: 'no' },
    {
      title: 'vectors of length 1',
      help: `Whether vectors get length 1. ${byModel}`,
      option: 'normalize',
      placeholder: 'yes|no',
    },
  ),
  queryPrefix: prefixSetting('query'),
  passagePrefix: prefixSetting('passage'),
} as const;
