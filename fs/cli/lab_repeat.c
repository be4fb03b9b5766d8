#include "fs/cli/lab_repeat.h"

#include <inttypes.h>

/* Between ' and ', where only ' is special. */
static int
add_quoted(struct buf *out, const char *option, const char *s)
{
	int err = buf_printf(out, " %s '", option);

	for (; err == 0 && *s; s++)
		err = *s == '\'' ? buf_printf(out, "'\\''")
				 : buf_append_u8(out, (uint8_t)*s);
	return err ? err : buf_append_u8(out, '\'');
}

static int
add_conditions(struct buf *out, const struct lab_option *o)
{
	int err = 0;

	if (o->writers > 1)
		err = buf_printf(out, " --writers %u", o->writers);
	if (err == 0)
		err = buf_printf(out, " --seconds %g", o->seconds);
	if (err == 0 && o->cut_after > 0)
		err = buf_printf(out, " --cut-after %" PRIu64, o->cut_after);
	if (err == 0 && o->sync_delay_ms > 0)
		err =
		    buf_printf(out, " --sync-delay %" PRIu64, o->sync_delay_ms);
	if (err == 0 && o->mount)
		err = add_quoted(out, "-o", o->mount);
	if (err == 0 && o->dir)
		err = add_quoted(out, "--dir", o->dir);
	return err;
}

int
lab_repeat_command(struct buf *out, const struct lab_cell *c,
    const struct lab_cut *cut, const struct lab_option *o)
{
	int err = buf_printf(out, "keyfs lab");

	if (err == 0 && c->is_script)
		err = add_quoted(out, "--script", o->script);
	if (err == 0 && c->is_script && o->durable)
		err = buf_printf(out, " --durable");
	if (err == 0 && !c->is_script)
		err = buf_printf(out, " --workload %s", c->workload);
	if (err == 0)
		err = add_quoted(out, "--policy", c->policy_text);
	if (err == 0)
		err = buf_printf(out, " --cuts 1 --seed %" PRIu64 " --keep %s",
		    cut->seed, lab_option_keep_word(cut->keep));
	return err ? err : add_conditions(out, o);
}
