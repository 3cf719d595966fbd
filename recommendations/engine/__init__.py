"""Rules and what they stand on: facts in, findings out. Pure: no database writes, no clock, no network.

contract   what a rule declares and answers      facts        what a rule is given
usage      summaries of measurements             pricing      the price catalogue as rules ask it
calculations  costs, savings, confidence         guards       what holds for every rule
registry   the rules that there are              evaluation   all rules over some resources
overlap    which of several findings counts      steps        what to do, with the provider's commands
calendar   when something runs in a week         stopping     what is not charged while it is off
twins      servers that share their work         workload     what runs on a server
"""
