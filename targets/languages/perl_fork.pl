#!/usr/bin/perl
# Perl, a process a connection: `TEXT\n` is answered by `ok TEXT\n`.
#
#     perl perl_fork.pl PORT
#
# What is easy to get wrong with fork: children that nobody waits for; fork() that fails, whose undef is no child; the
# client's descriptor left open in the parent; children that outlive the server. A handler for SIGTERM that ends them
# would miss a signal that comes between Perl's look at its signals and accept(2): here a pipe tells them.
use strict;
use warnings;
use Errno qw(EAGAIN EINTR);
use IO::Select;
use IO::Socket::INET;
use Socket qw(SHUT_WR);

my $max_text = 4096;

$SIG{PIPE} = 'IGNORE';
$SIG{CHLD} = 'IGNORE';    # The kernel waits for the children: signal(7), wait(2).
# Nobody writes to it: it ends for all children when the server does, whatever ended the server.
pipe my $lifeline, my $server_end or die "pipe: $!\n";

# A child's only way to wait.
sub wait_until {
    my ($client, $what) = @_;
    my $readers = IO::Select->new($lifeline);
    my $writers = IO::Select->new;
    ($what eq 'readable' ? $readers : $writers)->add($client);
    my ($readable) = IO::Select->select($readers, $writers);
    exit 0 if grep { $_ == $lifeline } @{ $readable // [] };
}

sub is_passing { $! == EAGAIN || $! == EINTR }

sub send_all {
    my ($client, $octets) = @_;
    while (length $octets) {
        my $sent = syswrite $client, $octets;
        return 0 if !defined $sent && !is_passing();
        substr $octets, 0, $sent // 0, '';
        wait_until($client, 'writable') if length $octets;
    }
    return 1;
}

# Adds to what there is; false at the end.
sub receive {
    my ($client, $input) = @_;
    while (1) {
        wait_until($client, 'readable');
        my $count = sysread $client, $$input, 65536, length $$input;
        return $count if defined $count;
        return 0 unless is_passing();
    }
}

# Input that nobody has read would turn close() into a reset, which can destroy the reply.
sub refuse {
    my ($client) = @_;
    send_all($client, "error line too long\n") or return;
    shutdown $client, SHUT_WR;
    alarm 3;    # SIGALRM ends this process.
    my $ignored = '';
    $ignored = '' while receive($client, \$ignored);
}

sub converse {
    my ($client) = @_;
    my $input = '';
    while (receive($client, \$input)) {
        my $replies = '';
        while ($input =~ s/\A([^\n]*)\n//) {
            my $text = $1 =~ s/\r\z//r;
            if (length $text > $max_text) {
                return send_all($client, $replies) && refuse($client);
            }
            $replies .= "ok $text\n";
        }
        send_all($client, $replies) or return;
        return refuse($client) if length $input > $max_text + 1;
    }
}

my $listener = IO::Socket::INET->new(
    LocalPort => $ARGV[0], Proto => 'tcp', Listen => 128, ReuseAddr => 1,
) or die "cannot listen on port $ARGV[0]: $!\n";

while (1) {
    my $client = $listener->accept;
    if (!$client) {
        # No descriptor is free: the listener stays ready, so asking again at once would spin.
        select undef, undef, undef, 0.1;
        next;
    }
    my $child = fork;
    if (defined $child && $child == 0) {
        close $listener;
        close $server_end;
        $client->blocking(0);
        converse($client);
        exit 0;
    }
    close $client;    # No child to be had: this client is turned away, the others are served.
}
