#include "fs/vol/node_xattrs.h"

#include <stdlib.h>

struct bytes
node_xattrs_list(const struct node_xattrs *x)
{
	return x ? bytes_of(x->list, x->size) : bytes_of(NULL, 0);
}

void
node_xattrs_keep(struct node_xattrs **x, struct bytes list)
{
	if (bytes_eq(node_xattrs_list(*x), list))
		return;
	free(*x);
	*x = list.size ? malloc(sizeof(**x) + list.size) : NULL;
	if (!*x)
		return;
	(*x)->size = list.size;
	memcpy((*x)->list, list.data, list.size);
}
