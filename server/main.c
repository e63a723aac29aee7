/* main - plugs the rooms together. */
#include <stdio.h>

int main(void)
{
	puts("gslbd: not yet");
	return 0;
}
