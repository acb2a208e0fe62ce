import { flag, path } from '@nightpipe/config'

/** Every key of calibration-night.ini, once. The two steps have INI files of their own. */
export const schema = {
  night: {
    stack: path('', 'configuration of stack-calibrations; empty: its defaults'),
    validate: path('', 'configuration of validate-master; empty: its defaults'),
    bootstrap: flag(false, 'put masters in force where there are none of their kind yet'),
  },
}
