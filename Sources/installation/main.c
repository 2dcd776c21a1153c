// Never run: what it depends on is what is installed, see Package.swift.
int main(void) { return 0; }
