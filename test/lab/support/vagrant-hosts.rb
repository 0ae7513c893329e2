# Prints, as JSON, what Vagrant itself makes of the Vagrantfile in a directory, for each provider.
#   vagrant-hosts.rb DIR
require "json"
require "vagrant"

environment = Vagrant::Environment.new(cwd: ARGV.fetch(0), ui_class: Vagrant::UI::Silent)
result = %i[virtualbox libvirt].to_h do |provider|
  hosts = environment.machine_names.map do |name|
    config = environment.vagrantfile.machine_config(name, provider, nil, nil, false)[:config]
    {
      name: name,
      hostname: config.vm.hostname,
      box: config.vm.box,
      networks: config.vm.networks.select { |kind, _| kind == :private_network }.map do |_, options|
        { ip: options[:ip], forward: options[:libvirt__forward_mode] }
      end,
      provisioners: config.vm.provisioners.map do |provisioner|
        settings = provisioner.config
        if provisioner.type == :shell
          { kind: :shell, path: settings.path, args: settings.args }
        else
          { kind: provisioner.type, source: settings.source, destination: settings.destination }
        end
      end
    }
  end
  [provider, hosts]
end
puts JSON.generate(result)
