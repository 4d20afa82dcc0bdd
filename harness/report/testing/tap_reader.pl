# Reads TAP on standard input with Perl's own reader, and says what it has understood.
use strict;
use warnings;
use TAP::Parser;

my $parser = TAP::Parser->new({ tap => join '', <STDIN> });
my ($point, %message) = ('');
while (my $line = $parser->next) {
    print 'not understood: ', $line->as_string, "\n" if $line->is_unknown;
    $point = $line->description =~ s/^- //r if $line->is_test;
    $message{$point} = $line->data->{message} if $line->is_yaml;
}
printf "planned %d, run %d\n", $parser->tests_planned, $parser->tests_run;
print "$_ @{[ $parser->$_ ]}\n" for qw(passed failed todo skipped);
printf "explained %d\n", scalar keys %message;
print "$_: $message{$_}\n" for grep { m{^a/fail} } sort keys %message;
print "error: $_\n" for $parser->parse_errors;
