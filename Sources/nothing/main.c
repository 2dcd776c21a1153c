// The floor under every whole-process figure of the benchmark: what it costs to start and end a program at all.
int main(void) { return 0; }
